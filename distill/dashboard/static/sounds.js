// Rows of sounds, all lists with one player. What plays is never cut off: a row that plays stays as it
// is, whatever comes, until it ends.
const lists = new Set();
let currentRow = null;
const player = createPlayer(showPlayer, (take) => {
  const row = playedRow();
  if (row) row.problem.textContent = `This browser cannot play ${row.takes[take].file}.`;
});

const allRows = () => [...lists].filter((list) => list.element.isConnected && list.element.offsetParent !== null)
  .flatMap((list) => list.element.querySelectorAll(".sound").length ? list.ordered() : []);
const playedRow = () => [...lists].flatMap((list) => [...list.rows.values()]).find((row) => row.key === player.key);

function showPlayer() {
  for (const list of lists) for (const row of list.rows.values()) row.show();
  const played = playedRow();
  if (!player.playing) lists.forEach((list) => list.settle());
  if (played) moveCursor(played);
}

let frame = 0;
function moveCursor(row) {
  if (row.cursor && player.length) row.cursor.style.left = `${100 * Math.min(1, player.seconds / player.length)}%`;
  cancelAnimationFrame(frame);
  if (player.playing) frame = requestAnimationFrame(() => moveCursor(row));
}

function startRow(row) {
  row.problem.textContent = "";
  player.load(row.key, row.takes.map((take) => take.url));
  player.start();
}

function chooseRow(row) {
  if (row === currentRow) return;
  const goesOn = player.playing;
  if (goesOn) player.pause();
  currentRow = row;
  if (goesOn) startRow(row);
  else showPlayer();
}

function soundRow(list, value) {
  const { takes } = value;
  const row = { key: `${list.name} ${value.id} ${takes.map((take) => take.url)}`, takes, value };
  row.play = element("button", { type: "button", class: "play", onclick: () => {
    if (player.playing && currentRow === row) return player.pause();
    chooseRow(row);
    if (!player.playing) startRow(row);
  } }, "Play");
  row.buttons = takes.length < 2 ? [] : takes.map((take, number) => element("button", {
    type: "button", class: "take", "aria-pressed": "false",
    onclick: () => { chooseRow(row); player.hear(number); },
  }, take.label));
  row.problem = element("p", { class: "problem", role: "status" });
  row.cursor = value.picture ? element("div", { class: "cursor", "aria-hidden": "true" }) : null;
  const picture = value.picture && element("div", { class: "mels", onclick: (event) => {
    const box = event.currentTarget.getBoundingClientRect();
    chooseRow(row);
    player.load(row.key, takes.map((take) => take.url));
    if (player.length) player.seek(((event.clientX - box.left) / box.width) * player.length);
    if (!player.playing) startRow(row);
  } }, element("img", { src: value.picture, alt: `mel spectrograms: ${takes.map((t) => t.label).join(" above ")}`, loading: "lazy" }), row.cursor);
  row.keep = list.keeps && value.source ? element("button", {
    type: "button", class: "keep small", "aria-pressed": String(Boolean(value.kept)), onclick: () => keep(row),
  }, value.kept ? "Kept" : "Keep") : null;
  const vary = list.vary && value.source ? element("button", {
    type: "button", class: "small", onclick: () => list.vary(value),
  }, "Vary") : null;
  const files = takes.map((take) => download(take, takes.length > 1 ? `↓ ${take.label}` : "↓ Download"));
  const group = { role: "group", "aria-label": value.name };
  row.element = element("article", { class: "sound", onfocusin: () => { if (!player.playing) chooseRow(row); } },
    element("div", { class: "about" },
      element("h3", {}, element("bdi", {}, value.name)),
      value.figures ? element("p", {}, value.figures, value.word ? element("strong", {}, ` ${value.word}`) : null) : null,
      value.note ? element("p", { class: "faint" }, value.note) : null,
      element("div", { class: "buttons", ...group }, row.play, ...row.buttons),
      row.problem,
      element("div", { class: "buttons files" }, row.keep, vary, ...files)),
    picture || null);
  row.show = () => {
    const is = currentRow === row;
    row.element.classList.toggle("current", is);
    const word = player.playing && player.key === row.key ? "Pause" : "Play";
    row.play.textContent = word;
    row.play.setAttribute("aria-label", `${word} ${value.name}`);
    row.buttons.forEach((button, take) =>
      button.setAttribute("aria-pressed", String(take === player.takeOf(takes.length))));
  };
  row.show();
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

// A list of rows. `show(values)` keeps the rows that are there already, and the one that plays.
function soundList(name, { keeps = false, vary = null } = {}) {
  const list = { name, keeps, vary, rows: new Map(), element: element("div", { class: "sounds" }), waiting: null };
  list.ordered = () => [...list.element.children].map((child) => [...list.rows.values()].find((row) => row.element === child)).filter(Boolean);
  list.show = (values) => {
    const playing = player.playing && [...list.rows.values()].find((row) => row.key === player.key);
    list.waiting = playing ? values : null;
    const before = list.rows;
    let focused = null;
    const rows = values.map((value) => {
      const old = before.get(value.id);
      if (old && (old === playing || JSON.stringify(old.value) === JSON.stringify(value))) return old;
      const row = soundRow(list, value);
      if (old) focused ??= sameControl(old, row);
      return row;
    });
    if (playing && !rows.includes(playing)) rows.unshift(playing);
    list.rows = new Map(rows.map((row) => [row.value.id, row]));
    if (currentRow && currentRow.key.startsWith(`${name} `) && ![...list.rows.values()].includes(currentRow)) {
      currentRow = list.rows.get(currentRow.value.id) ?? null;
    }
    const wanted = rows.map((row) => row.element);
    wanted.forEach((child, place) => {
      if (list.element.children[place] !== child) list.element.insertBefore(child, list.element.children[place] ?? null);
    });
    while (list.element.children.length > wanted.length) list.element.lastChild.remove();
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

const goTo = (row) => {
  if (!row) return;
  chooseRow(row);
  row.play.focus({ preventScroll: true });
  row.element.scrollIntoView({ block: "nearest" });
};

// The space bar belongs to the player, not to the button that was clicked last. But whoever goes from
// button to button by keyboard presses them by it, as everywhere.
const pressesItself = (target) => target.matches?.("button:not(.play):focus-visible, a:focus-visible, summary");

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  const target = event.target;
  if (target !== document.body && !target.closest?.(".sounds")) return; // other controls have keys of their own
  const rows = allRows();
  if (!rows.length) return;
  const row = rows.includes(currentRow) ? currentRow : rows[0];
  const place = rows.indexOf(row);
  const { length } = row.takes;
  const other = (step) => { chooseRow(row); player.hear((player.takeOf(length) + step + length) % length); };
  const action = {
    " ": () => { if (player.playing) player.pause(); else { chooseRow(row); startRow(row); } },
    "ArrowDown": () => goTo(rows[place + 1]),
    "ArrowUp": () => goTo(rows[place - 1]),
    "ArrowRight": () => other(1),
    "ArrowLeft": () => other(-1),
    "x": () => other(1),
    "k": () => { if (row.keep) keep(row); },
  }[event.key];
  if (!action || (event.key === " " && pressesItself(target))) return;
  event.preventDefault();
  if (!event.repeat || event.key.startsWith("Arrow")) action();
});

document.addEventListener("keyup", (event) => {
  if (event.key === " " && event.target.closest?.(".sounds") && !pressesItself(event.target)) event.preventDefault();
});

const KEYS = "Space plays and pauses, x or ← → switches at the same position, ↑ ↓ goes to another sound.";
