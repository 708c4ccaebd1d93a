// Curves of losses → an SVG picture, with a legend and the newest values in words.
const SVG = "http://www.w3.org/2000/svg";
const WIDEST = 640;
const HEIGHT = 200;
const LEFT = 52;
const MARGINS = 80; // of the page, beside a chart
const BOTTOM = 24;
const TOP = 8;

const shape = (tag, attributes, text) => {
  const made = document.createElementNS(SVG, tag);
  Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, value));
  if (text !== undefined) made.textContent = text;
  return made;
};

const short = (value) => {
  if (value === 0) return "0";
  return Math.abs(value) < 0.001 ? value.toExponential(1) : String(Number(value.toPrecision(3)));
};

// Two epochs make a curve; before, the figures stand for themselves.
function lossChart({ stage, epochs, lines, advice }) {
  const title = element("figcaption", {}, `Loss of the ${stage.toLowerCase()}`);
  const todo = advice ? element("p", {}, advice) : null;
  const figures = lines.map((line) => `${line.label} ${short(line.points.at(-1)[1])}`);
  if (lines.every((line) => line.points.length < 2)) {
    return element("figure", {}, title,
      element("p", {}, `After ${quantity(epochs, "epoch")}: ${figures.join(", ")}. A curve needs two.`), todo);
  }
  const width = Math.max(240, Math.min(WIDEST, window.innerWidth - MARGINS)); // so that words keep their size
  const values = lines.flatMap((line) => line.points.map((point) => point[1]));
  const high = Math.max(...values);
  const low = Math.min(0, ...values);
  const span = high - low || 1;
  const x = (epoch) => LEFT + ((epoch - 1) / Math.max(1, epochs - 1)) * (width - LEFT - 8);
  const y = (value) => TOP + (1 - (value - low) / span) * (HEIGHT - TOP - BOTTOM);
  const picture = shape("svg", {
    viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", class: "chart",
    "aria-label": `Loss of the ${stage.toLowerCase()} over ${quantity(epochs, "epoch")}; newest: ${figures.join(", ")}`,
  });
  for (const share of [0, 0.5, 1]) {
    const value = low + share * span;
    picture.append(shape("line", { x1: LEFT, x2: width - 8, y1: y(value), y2: y(value), class: "grid" }));
    picture.append(shape("text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, short(value)));
  }
  for (const epoch of [1, epochs]) {
    const anchor = epoch === 1 ? "start" : "end";
    const text = epoch === 1 ? "epoch 1" : String(epoch);
    picture.append(shape("text", { x: x(epoch), y: HEIGHT - 6, "text-anchor": anchor }, text));
  }
  lines.forEach((line) => {
    const points = line.points.map(([epoch, value]) => `${x(epoch).toFixed(1)},${y(value).toFixed(1)}`);
    picture.append(shape("polyline", { points: points.join(" "), class: `line ${line.label}` }));
  });
  const legend = element("ul", { class: "legend" }, lines.map((line, place) => element("li", {},
    element("span", { class: `swatch ${line.label}`, "aria-hidden": "true" }), figures[place])));
  return element("figure", {}, title, picture, legend, todo);
}
