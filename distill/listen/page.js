// The rows of a page to listen, with one player for all of them.
(() => {
  const repeat = document.getElementById("repeat");
  const rows = [...document.querySelectorAll(".row")].map((element) => ({
    element,
    seconds: Number(element.dataset.seconds),
    play: element.querySelector(".play"),
    takes: [...element.querySelectorAll(".take")],
    mels: element.querySelector(".mels"),
    cursor: element.querySelector(".cursor"),
    problem: element.querySelector(".problem"),
  }));
  let current = 0; // number of the chosen row
  let frame = 0; // the next move of the cursor
  const player = createPlayer(show, (take) => {
    const row = rows[player.key];
    row.problem.textContent =
      `This browser cannot play the ${row.takes[take].textContent}. Open it with another program.`;
  });

  function show() {
    rows.forEach((row, number) => {
      const isCurrent = number === current;
      const word = player.playing && isCurrent ? "Pause" : "Play";
      row.element.classList.toggle("current", isCurrent);
      if (row.play.textContent !== word) {
        row.play.setAttribute("aria-label", row.play.getAttribute("aria-label").replace(/^\w+/, word));
        row.play.textContent = word;
      }
      row.takes.forEach((button, take) =>
        button.setAttribute("aria-pressed", String(take === player.takeOf(row.takes.length))));
    });
    moveCursor();
  }

  function moveCursor() {
    const { cursor, seconds } = rows[current];
    const at = player.key === current ? player.seconds : 0;
    if (cursor) cursor.style.left = `${100 * Math.min(1, at / seconds)}%`;
    cancelAnimationFrame(frame);
    if (player.playing) frame = requestAnimationFrame(moveCursor);
  }

  function load() {
    player.load(current, rows[current].takes.map((button) => button.dataset.src));
  }

  function start() {
    load();
    rows[current].problem.textContent = "";
    player.start();
  }

  function choose(number) {
    if (number === current) return;
    const goesOn = player.playing;
    if (goesOn) player.pause();
    current = number;
    if (goesOn) start();
    else show();
  }

  function goTo(number) {
    if (number < 0 || number >= rows.length) return;
    choose(number);
    rows[number].play.focus({ preventScroll: true });
    rows[number].element.scrollIntoView({ block: "nearest" });
  }

  repeat.addEventListener("change", () => player.repeat(repeat.checked));
  rows.forEach((row, number) => {
    row.element.addEventListener("focusin", () => { if (!player.playing) choose(number); });
    row.play.addEventListener("click", () => {
      if (player.playing && current === number) return player.pause();
      choose(number);
      if (!player.playing) start();
    });
    row.takes.forEach((button, take) => button.addEventListener("click", () => {
      choose(number);
      player.hear(take);
    }));
    if (row.mels) row.mels.addEventListener("click", (event) => {
      const box = row.mels.getBoundingClientRect();
      choose(number);
      load();
      player.seek(((event.clientX - box.left) / box.width) * row.seconds);
      if (!player.playing) start();
    });
  });

  const typesInto = (element) => element instanceof HTMLInputElement;

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typesInto(event.target)) return;
    const takes = rows[current].takes.length;
    const other = (step) => player.hear((player.takeOf(takes) + step + takes) % takes);
    const action = {
      " ": () => (player.playing ? player.pause() : start()),
      "ArrowDown": () => goTo(current + 1),
      "ArrowUp": () => goTo(current - 1),
      "ArrowRight": () => other(1),
      "ArrowLeft": () => other(-1),
      "x": () => other(1),
      "r": () => { repeat.checked = !repeat.checked; player.repeat(repeat.checked); },
    }[event.key];
    if (!action) return;
    event.preventDefault();
    if (!event.repeat || event.key.startsWith("Arrow")) action();
  });

  // the space bar belongs to the player, not to the button that was clicked last; Enter presses it
  document.addEventListener("keyup", (event) => {
    if (event.key === " " && event.target instanceof HTMLButtonElement) event.preventDefault();
  });

  if (rows.length) show();
})();
