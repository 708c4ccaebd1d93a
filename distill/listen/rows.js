// Rows of sounds to play, all with one player: which row is chosen, its buttons, its keys, its cursor.
//
// A row has: key, name, element, play (a button), takes (name and url of each), buttons (one for each
// take, or none), problem (where mistakes are written); and where there is a picture, picture and
// cursor, and seconds, if its length is known before it is loaded. A take that a script may read has
// read(), which gives its file; `repeat` is the box that repeats.
//
// `rows()` are all rows, `ordered()` those that the arrow keys go through. `owns(target)` says whether
// keys pressed there are for the rows, `pressesItself(target)` whether the space bar presses what is
// there. `keys` are more keys: what is done with the chosen row. `changed()` is called when the player
// starts, pauses or switches.
//
// After a click on the box, keys are for the rows again; whoever goes to it by keyboard presses it by
// the space bar, as everywhere.
const createRows = ({
  rows, ordered = rows, owns, pressesItself = () => false, keys = {}, changed = () => {}, repeat,
}) => {
  let current = null; // the chosen row
  let frame = 0; // the next move of the cursor
  const player = createPlayer(show, (take) => {
    const row = played();
    if (!row) return;
    const { name } = row.takes[take];
    row.problem.textContent = `This browser cannot play ${name}. Open it with another program.`;
  });

  const played = () => rows().find((row) => row.key === player.key);

  function show() {
    rows().forEach(showRow);
    moveCursor();
    changed();
  }

  function showRow(row) {
    const word = player.playing && player.key === row.key ? "Pause" : "Play";
    row.element.classList.toggle("current", row === current);
    if (row.play.textContent !== word || !row.play.hasAttribute("aria-label")) {
      row.play.setAttribute("aria-label", `${word} ${row.name}`);
      row.play.textContent = word;
    }
    row.buttons.forEach((button, take) =>
      button.setAttribute("aria-pressed", String(take === player.takeOf(row.takes.length))));
  }

  const secondsOf = (row) => row.seconds ?? player.length;

  function moveCursor() {
    cancelAnimationFrame(frame);
    if (current?.cursor) {
      const share = player.key === current.key ? player.seconds / (secondsOf(current) || Infinity) : 0;
      current.cursor.style.left = `${100 * Math.min(1, share)}%`;
    }
    if (player.playing) frame = requestAnimationFrame(moveCursor);
  }

  const load = (row) => player.load(row.key, row.takes);

  function start(row) {
    load(row);
    row.problem.textContent = "";
    player.start();
  }

  function choose(row) {
    if (row === current) return;
    const goesOn = player.playing;
    if (goesOn) player.pause();
    current = row;
    if (goesOn) start(row);
    else show();
  }

  function goTo(row) {
    if (!row) return;
    choose(row);
    row.play.focus({ preventScroll: true });
    row.element.scrollIntoView({ block: "nearest" });
  }

  function playFrom(row, share) {
    choose(row);
    load(row);
    const seconds = secondsOf(row);
    if (seconds) player.seek(share * seconds);
    if (!player.playing) start(row);
  }

  // Lets a row be played by its buttons and its picture.
  function connect(row) {
    row.element.addEventListener("focusin", () => { if (!player.playing) choose(row); });
    row.play.addEventListener("click", () => {
      if (player.playing && current === row) return player.pause();
      choose(row);
      if (!player.playing) start(row);
    });
    row.buttons.forEach((button, take) => button.addEventListener("click", () => {
      choose(row);
      player.hear(take);
    }));
    row.picture?.addEventListener("click", (event) => {
      const box = row.picture.getBoundingClientRect();
      playFrom(row, (event.clientX - box.left) / box.width);
    });
    showRow(row);
  }

  function actionOf(key) {
    const all = ordered();
    if (!all.length) return null;
    const row = all.includes(current) ? current : all[0];
    const place = all.indexOf(row);
    const takes = row.takes.length;
    const other = (step) => { choose(row); player.hear((player.takeOf(takes) + step + takes) % takes); };
    return {
      " ": () => { if (player.playing) player.pause(); else { choose(row); start(row); } },
      "ArrowDown": () => goTo(all[place + 1]),
      "ArrowUp": () => goTo(all[place - 1]),
      "ArrowRight": () => other(1),
      "ArrowLeft": () => other(-1),
      "x": () => other(1),
      "r": () => { repeat.checked = !repeat.checked; repeats(); },
      ...Object.fromEntries(Object.entries(keys).map(([more, act]) => [more, () => act(row)])),
    }[key];
  }

  const repeats = () => player.repeat(repeat.checked);
  let byKeyboard = false;
  document.addEventListener("keydown", () => { byKeyboard = true; }, true);
  document.addEventListener("pointerdown", () => { byKeyboard = false; }, true);
  repeat.addEventListener("change", () => {
    repeats();
    if (!byKeyboard) repeat.blur();
  });
  repeats(); // a browser may have kept the tick of before

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || !owns(event.target)) return;
    if (event.key === " " && pressesItself(event.target)) return;
    const action = actionOf(event.key);
    if (!action) return;
    event.preventDefault();
    if (!event.repeat || event.key.startsWith("Arrow")) action();
  });

  // The space bar belongs to the player, not to the button that was clicked last; Enter presses it.
  document.addEventListener("keyup", (event) => {
    if (event.key === " " && owns(event.target) && !pressesItself(event.target)) event.preventDefault();
  });

  return {
    player, connect, choose,
    get current() { return current; },
    // Another row takes the place of the chosen one, or none; what plays goes on.
    replaceCurrent(row) {
      current = row;
      if (row) showRow(row);
    },
  };
};
