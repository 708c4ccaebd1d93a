"use strict";
// The takes of one row play together, all muted but one: to switch is to unmute another one, at the
// same position. They are media elements, since files beside a page may not be read by a script. What
// is repeated is played from buffers, without a gap, where its takes can be read.
// `changed()` is called whenever something else is to be shown, `failed(take)` where a take cannot be
// played.
const createPlayer = (changed, failed) => {
  const LARGEST_GAP_S = 0.03;
  const loop = createLoop();
  let key = null; // names the row that the players are for
  let takes = []; // address of each, and how it is read, if it can be
  let players = []; // an audio element for each of its takes
  let buffered = null; // the reading of the takes into the loop, once it has begun
  let heard = 0; // number of the take that is heard
  let playing = false;
  let repeats = false;

  const takeOf = (count) => Math.min(heard, count - 1);
  const lead = () => players[takeOf(players.length)];
  const seconds = () => (loop.playing ? loop.seconds : lead().currentTime);

  function load(row, its) {
    if (key === row) return;
    unload();
    key = row;
    takes = its;
    players = takes.map(({ url }, take) => {
      const player = new Audio();
      player.preload = "auto";
      player.addEventListener("ended", () => { if (player === lead()) end(); });
      player.addEventListener("timeupdate", () => { if (player === lead()) alignOthers(); });
      player.addEventListener("error", () => fail(player, take));
      player.src = url;
      return player;
    });
  }

  function unload() {
    const old = players;
    players = [];
    key = null;
    buffered = null;
    loop.forget();
    old.forEach((player) => {
      player.pause();
      player.removeAttribute("src"); // lets go of the file
      player.load();
    });
  }

  function fail(player, take) {
    if (!players.includes(player)) return; // of a row that was left
    failed(take);
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
    playing = true;
    if (repeats && takes.every((take) => take.read)) startLoop();
    else startPlayers();
    changed();
  }

  function startPlayers() {
    for (const player of players) {
      player.muted = player !== lead();
      align(player);
    }
    for (const player of players) {
      player.play().catch((error) => { // AbortError: paused before it began
        if (error.name !== "AbortError" && players.includes(player) && player === lead()) pause();
      });
    }
  }

  async function startLoop() {
    const row = key;
    const isWanted = () => row === key && playing && repeats && !loop.playing;
    buffered ??= Promise.all(takes.map((take) => take.read())).then(loop.load);
    try {
      await buffered;
      if (isWanted()) loop.start(seconds(), takeOf(players.length));
    } catch (error) { // of a kind that this browser cannot decode: with a gap, then
      if (isWanted()) startPlayers();
    }
  }

  function pause() {
    playing = false;
    hold();
    changed();
  }

  // Stops what sounds; the players stay where it was.
  function hold() {
    const at = loop.playing ? loop.seconds : null;
    loop.stop();
    players.forEach((player) => {
      player.pause();
      if (at !== null) player.currentTime = at;
    });
  }

  function end() {
    players.forEach((player) => { player.currentTime = 0; });
    if (repeats) start();
    else pause();
  }

  function hear(take) {
    if (key === null || loop.playing) {
      heard = take;
      loop.hear(takeOf(players.length));
    } else {
      const before = lead();
      const next = players[Math.min(take, players.length - 1)];
      align(next);
      heard = take;
      before.muted = true;
      next.muted = false;
      if (playing && next.paused && !buffered) next.play().catch(() => pause()); // where only one may play
    }
    changed();
  }

  function seek(to) {
    players.forEach((player) => { player.currentTime = to; });
    if (loop.playing) loop.start(to, takeOf(players.length));
  }

  function repeat(yes) {
    if (yes === repeats) return;
    repeats = yes;
    if (!playing) return;
    hold();
    start();
  }

  return {
    load, start, pause, hear, takeOf, seek, repeat,
    get repeats() { return repeats; },
    get key() { return key; },
    get playing() { return playing; },
    get seconds() { return key === null ? 0 : seconds(); },
    get length() { return key === null ? 0 : lead().duration || 0; },
  };
};
