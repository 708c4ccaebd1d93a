"use strict";
// The takes of one row play together, all muted but one: to switch is to unmute another one, at the
// same position. Files beside the page may not be read by a script, so Web Audio is no choice here.
(() => {
  const LARGEST_GAP_S = 0.03;
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
  let loaded = null; // number of the row that the players are for
  let players = []; // an audio element for each of its takes
  let heard = 0; // number of the take that is heard
  let playing = false;
  let frame = 0; // the next move of the cursor

  const takeOf = (row) => Math.min(heard, row.takes.length - 1);
  const lead = () => players[takeOf(rows[loaded])];

  function show() {
    rows.forEach((row, number) => {
      const isCurrent = number === current;
      const word = playing && isCurrent ? "Pause" : "Play";
      row.element.classList.toggle("current", isCurrent);
      if (row.play.textContent !== word) {
        row.play.setAttribute("aria-label", row.play.getAttribute("aria-label").replace(/^\w+/, word));
        row.play.textContent = word;
      }
      row.takes.forEach((button, take) =>
        button.setAttribute("aria-pressed", String(take === takeOf(row))));
    });
    moveCursor();
  }

  function moveCursor() {
    const { cursor, seconds } = rows[current];
    const at = loaded === current ? lead().currentTime : 0;
    if (cursor) cursor.style.left = `${100 * Math.min(1, at / seconds)}%`;
    cancelAnimationFrame(frame);
    if (playing) frame = requestAnimationFrame(moveCursor);
  }

  function load() {
    if (loaded === current) return;
    unload();
    loaded = current;
    players = rows[loaded].takes.map((button) => {
      const player = new Audio();
      player.preload = "auto";
      player.addEventListener("ended", () => { if (player === lead()) end(); });
      player.addEventListener("timeupdate", () => { if (player === lead()) alignOthers(); });
      player.addEventListener("error", () => fail(player, button));
      player.src = button.dataset.src;
      return player;
    });
  }

  function unload() {
    const old = players;
    players = [];
    loaded = null;
    old.forEach((player) => {
      player.pause();
      player.removeAttribute("src"); // lets go of the file
      player.load();
    });
  }

  function fail(player, button) {
    if (!players.includes(player)) return; // of a row that was left
    rows[loaded].problem.textContent =
      `This browser cannot play the ${button.textContent}. Open it with another program.`;
    pause();
  }

  function align(player) {
    if (Math.abs(player.currentTime - lead().currentTime) > LARGEST_GAP_S) {
      player.currentTime = lead().currentTime;
    }
  }

  function alignOthers() {
    players.forEach((player) => { if (playing && player !== lead() && !player.seeking) align(player); });
  }

  function start() {
    load();
    rows[loaded].problem.textContent = "";
    playing = true;
    for (const player of players) {
      player.muted = player !== lead();
      align(player);
    }
    for (const player of players) {
      player.play().catch((error) => { // AbortError: paused before it began
        if (error.name !== "AbortError" && players.includes(player) && player === lead()) pause();
      });
    }
    show();
  }

  function pause() {
    playing = false;
    players.forEach((player) => player.pause());
    show();
  }

  function end() {
    players.forEach((player) => { player.currentTime = 0; });
    if (repeat.checked) start();
    else pause();
  }

  function choose(number) {
    if (number === current) return;
    const goesOn = playing;
    if (playing) pause();
    current = number;
    if (goesOn) start();
    else show();
  }

  function hear(take) {
    if (loaded === null) {
      heard = take;
    } else {
      const before = lead();
      const next = players[Math.min(take, players.length - 1)];
      align(next);
      heard = take;
      before.muted = true;
      next.muted = false;
      if (playing && next.paused) next.play().catch(() => pause()); // where only one may play
    }
    show();
  }

  function goTo(number) {
    if (number < 0 || number >= rows.length) return;
    choose(number);
    rows[number].play.focus({ preventScroll: true });
    rows[number].element.scrollIntoView({ block: "nearest" });
  }

  rows.forEach((row, number) => {
    row.element.addEventListener("focusin", () => { if (!playing) choose(number); });
    row.play.addEventListener("click", () => {
      if (playing && current === number) return pause();
      choose(number);
      if (!playing) start();
    });
    row.takes.forEach((button, take) => button.addEventListener("click", () => {
      choose(number);
      hear(take);
    }));
    if (row.mels) row.mels.addEventListener("click", (event) => {
      const box = row.mels.getBoundingClientRect();
      choose(number);
      load();
      const at = ((event.clientX - box.left) / box.width) * row.seconds;
      players.forEach((player) => { player.currentTime = at; });
      if (!playing) start();
    });
  });

  const typesInto = (element) => element instanceof HTMLInputElement;

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typesInto(event.target)) return;
    const takes = rows[current].takes.length;
    const other = (step) => hear((takeOf(rows[current]) + step + takes) % takes);
    const action = {
      " ": () => (playing ? pause() : start()),
      "ArrowDown": () => goTo(current + 1),
      "ArrowUp": () => goTo(current - 1),
      "ArrowRight": () => other(1),
      "ArrowLeft": () => other(-1),
      "x": () => other(1),
      "r": () => { repeat.checked = !repeat.checked; },
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
