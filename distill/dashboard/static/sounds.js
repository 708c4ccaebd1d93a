// Lists of sounds, all with one player. What plays is never cut off: a row that plays stays as it is,
// whatever comes, until it ends.
const lists = new Set();

// The space bar belongs to the player, not to the button that was clicked last. But whoever goes from
// button to button by keyboard presses them by it, as everywhere.
const itself = "#distill-repeat, button:not(.play):focus-visible, a:focus-visible, summary";
const pressesItself = (target) => target.matches?.(itself);

const repeat = element("input", { type: "checkbox", id: "distill-repeat" });
const readFile = async (address) => (await fetch(address)).arrayBuffer();

const soundRows = createRows({
  repeat,
  rows: () => [...lists].flatMap((list) => [...list.rows.values()]),
  ordered: () => [...lists].filter((list) => list.element.isConnected && list.element.offsetParent !== null)
    .flatMap((list) => list.ordered()),
  owns: (target) => target === document.body || Boolean(target.closest?.(".sounds, #distill-repeat")), // not others
  pressesItself,
  keys: { k: (row) => { if (row.keep) keep(row); } },
  changed: () => { if (!soundRows.player.playing) lists.forEach((list) => list.settle()); },
});
const { player } = soundRows;

const MOST_LINKS = 4; // with more takes, only the first one has one: a kit has a zip of them all

function soundRow(list, value) {
  const { takes, name, picture } = value;
  const row = {
    key: `${list.name} ${value.id} ${takes.map((take) => take.url)}`,
    name,
    value,
    takes: takes.map(({ file, url }) => ({ name: file, url, read: () => readFile(url) })),
    play: element("button", { type: "button", class: "play" }, "Play"),
    buttons: takes.length < 2 ? [] : takes.map((take) =>
      element("button", { type: "button", class: "take", "aria-pressed": "false" }, take.label)),
    problem: element("p", { class: "problem", role: "status" }),
    cursor: picture ? element("div", { class: "cursor", "aria-hidden": "true" }) : null,
  };
  const shown = `mel spectrograms: ${takes.map((take) => take.label).join(" above ")}`;
  row.picture = picture
    ? element("div", { class: "mels" }, element("img", { src: picture, alt: shown, loading: "lazy" }), row.cursor)
    : null;
  row.keep = list.keeps && value.source ? element("button", {
    type: "button", class: "keep small", "aria-pressed": String(Boolean(value.kept)), onclick: () => keep(row),
  }, value.kept ? "Kept" : "Keep") : null;
  const vary = list.vary && value.varies ? element("button", {
    type: "button", class: "small", onclick: () => list.vary(value),
  }, "Vary") : null;
  const word = value.word ? element("strong", {}, ` ${value.word}`) : null;
  const linked = takes.length > MOST_LINKS ? takes.slice(0, 1) : takes;
  const files = linked.map((take) => download(take, takes.length > 1 ? `↓ ${take.label}` : "↓ Download"));
  row.element = list.compact ? element("div", { class: "sound compact", role: "group", "aria-label": name },
    row.play, element("div", {}, element("bdi", {}, name),
      value.kind ? element("p", { class: "faint" }, value.kind) : null), row.problem)
    : element("article", { class: "sound" },
    element("div", { class: "about" },
      element("h3", {}, element("bdi", {}, name)),
      value.figures ? element("p", {}, value.figures, word) : null,
      value.note ? element("p", { class: "faint" }, value.note) : null,
      element("div", { class: "buttons", role: "group", "aria-label": name }, row.play, ...row.buttons),
      row.problem,
      element("div", { class: "buttons files" }, row.keep, vary, ...files)),
    row.picture);
  soundRows.connect(row);
  return row;
}

// A link that can be dragged into a folder or another program, under the file's own name.
function download(take, label) {
  return element("a", {
    href: take.url, download: take.file, draggable: "true", class: "file", "aria-label": `Download ${take.file}`,
    title: `${take.file}: click to download, or drag it out`,
    ondragstart: (event) => {
      const address = new URL(take.url, location.href).href;
      event.dataTransfer.setData("DownloadURL", `${take.type}:${take.file}:${address}`);
      event.dataTransfer.setData("text/uri-list", address);
      event.dataTransfer.effectAllowed = "copy";
    },
  }, label);
}

async function keep(row) {
  const kept = row.keep.getAttribute("aria-pressed") === "true";
  try {
    await request(kept ? "/api/drop" : "/api/keep", { source: row.value.source });
    row.value.kept = !kept; // as the next look will say: the row stays, and so does the focus
    row.keep.setAttribute("aria-pressed", String(!kept));
    row.keep.textContent = kept ? "Keep" : "Kept";
    document.dispatchEvent(new Event("distill-kept"));
  } catch (error) {
    row.problem.textContent = error.message;
  }
}

// The control of a new row that stands where the focused one stood in the old row.
const sameControl = (old, row) => {
  const controls = (each) => [...each.element.querySelectorAll("button, a")];
  const place = controls(old).indexOf(document.activeElement);
  return place < 0 ? null : controls(row)[place] ?? row.play;
};

const sameValue = (row, value) => JSON.stringify(row.value) === JSON.stringify(value);

// A list of rows, each with no more than its name and a button if it is `compact`. `show(values)` keeps the rows
// that are there already, and the one that plays.
function soundList(name, { keeps = false, vary = null, compact = false } = {}) {
  const list = { name, keeps, vary, compact, rows: new Map(), waiting: null };
  list.element = element("div", { class: "sounds" });
  list.ordered = () => [...list.element.children]
    .map((child) => [...list.rows.values()].find((row) => row.element === child)).filter(Boolean);
  list.playing = () => [...list.rows.values()].find((row) => player.playing && row.key === player.key);
  list.show = (values) => {
    const playing = list.playing();
    list.waiting = playing ? values : null;
    const before = list.rows;
    let focused = null;
    const shown = values.map((value) => {
      const old = before.get(value.id);
      if (old && (old === playing || sameValue(old, value))) return old;
      const row = soundRow(list, value);
      if (old) focused ??= sameControl(old, row);
      return row;
    });
    if (playing && !shown.includes(playing)) shown.unshift(playing);
    list.rows = new Map(shown.map((row) => [row.value.id, row]));
    const { current } = soundRows;
    if (current?.key.startsWith(`${name} `) && !shown.includes(current)) {
      soundRows.replaceCurrent(list.rows.get(current.value.id) ?? null);
    }
    putInOrder(list.element, shown.map((row) => row.element));
    while (list.element.children.length > shown.length) list.element.lastChild.remove();
    focused?.focus({ preventScroll: true });
  };
  list.settle = () => {
    if (list.waiting === null) return;
    const values = list.waiting;
    list.waiting = null;
    list.show(values);
  };
  lists.add(list);
  return list;
}

// The first rows of a list, and a button that shows them all.
const FIRST_ROWS = 4;
function firstRows(list) {
  let all = false;
  let rows = [];
  const more = element("button", { type: "button", class: "more small", hidden: true, onclick: () => {
    all = !all;
    show(rows);
  } });
  function show(values) {
    rows = values;
    list.show(all ? rows : rows.slice(0, FIRST_ROWS));
    more.hidden = rows.length <= FIRST_ROWS;
    more.textContent = all ? "Show fewer" : `Show all ${rows.length}`;
    more.setAttribute("aria-expanded", String(all));
  }
  return { show, element: element("div", {}, list.element, more) };
}

const KEYS = "Space plays and pauses, x or ← → switches at the same position, ↑ ↓ goes to another sound, " +
  "r repeats.";
