// Elements, requests and repeated looks: what all own parts use. Texts become text nodes, never HTML.
const element = (tag, attributes = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
};

// Draws a section again only where its values are others than before: what has the focus stays.
const section = (tag, attributes, draw) => {
  const made = element(tag, attributes);
  let before = null;
  made.show = (value) => {
    const now = JSON.stringify(value ?? null);
    if (now === before) return;
    before = now;
    const children = value === null || value === undefined ? [] : [draw(value)].flat();
    made.replaceChildren(...children.filter((child) => child !== null && child !== ""));
    made.hidden = made.childNodes.length === 0;
  };
  made.hidden = true;
  return made;
};

// Puts elements at the beginning of another, in this order; what is in its place is not touched.
const putInOrder = (parent, children) => children.forEach((child, place) => {
  if (parent.children[place] !== child) parent.insertBefore(child, parent.children[place] ?? null);
});

// Words for everybody to read, also for those who hear the page. Good news goes after a while; a
// mistake stays until something else is done.
const NEWS_MS = 10_000;
const announcer = () => {
  const line = element("p", { class: "message", role: "status" });
  let timer = 0;
  line.say = (text, isError = false) => {
    clearTimeout(timer);
    line.textContent = text;
    line.classList.toggle("error", isError);
    if (text && !isError) timer = setTimeout(() => line.say(""), NEWS_MS);
  };
  actions.push(() => line.say(""));
  return line;
};

// Something else is done: a mistake may be none any more.
const actions = [];
const acted = () => actions.forEach((action) => action());
document.addEventListener("input", acted);
document.addEventListener("click", (event) => { if (event.target.closest?.("[role=option]")) acted(); }, true);

const request = async (address, body) => {
  const sent = body === undefined ? {} : {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  };
  const answer = await fetch(address, sent);
  if (answer.status === 204) return null;
  const value = await answer.json().catch(() => ({}));
  if (value?.error || !answer.ok) throw new Error(value.error || `the dashboard answers ${answer.status}`);
  return value;
};

// Asks again and again while the part can be seen; one question at a time.
const EVERY_MS = 1000;
const look = (part, address, show, lost) => {
  let timer = 0;
  let asking = false;
  const ask = async () => {
    clearTimeout(timer);
    if (asking) return;
    asking = true;
    let again = false;
    try {
      if (part.offsetParent !== null && !document.hidden) {
        const asked = address();
        const value = await request(asked);
        lost(false);
        if (asked !== address()) again = true; // something else was chosen in the meantime
        else if (value !== null) show(value);
      }
    } catch (error) {
      lost(true);
    } finally {
      asking = false;
      timer = setTimeout(ask, again ? 0 : EVERY_MS);
    }
  };
  document.addEventListener("visibilitychange", ask);
  ask();
  return ask;
};

const offline = () => element("p", { class: "message error", role: "status", hidden: true },
  "The dashboard does not answer. Runs go on without it. Start it again: python -m distill.dashboard");

const capital = (text) => `${text[0].toUpperCase()}${text.slice(1)}`;
const quantity = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

const copyButton = (text) => element("button", {
  type: "button", class: "small",
  onclick: async (event) => {
    const button = event.currentTarget;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch (error) { // no clipboard here: mark the text instead
      getSelection().selectAllChildren(button.previousElementSibling);
    }
  },
}, "Copy");

// The row of headings of a table.
const headings = (texts) => element("thead", {},
  element("tr", {}, texts.map((text) => element("th", { scope: "col" }, text))));
const cells = (texts) => texts.map((text) => element("td", {}, text));

// The health of each level: its number, a mark where it is low, and what its cells say.
const levelTable = (caption, rows) => element("table", {},
  element("caption", {}, caption),
  headings(["Level", "Utilization", "Perplexity", "Dead codes"]),
  element("tbody", {}, rows.map((row) => element("tr", { class: row.low ? "low" : "" },
    element("th", { scope: "row" }, String(row.level),
      row.low && row.mark ? element("span", { class: "mark" }, ` ${row.mark}`) : null),
    cells(row.cells)))));

const command = (text) => element("div", { class: "command" }, element("code", {}, text), copyButton(text));
