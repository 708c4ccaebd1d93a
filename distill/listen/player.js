"use strict";
// The takes of one row play together, all muted but one: to switch is to unmute another one, at the
// same position. Files beside a page may not be read by a script, so Web Audio is no choice here.
// `changed()` is called whenever something else is to be shown, `failed(take)` where a take cannot be
// played.
const createPlayer = (changed, failed) => {
  const LARGEST_GAP_S = 0.03;
  let key = null; // names the row that the players are for
  let players = []; // an audio element for each of its takes
  let heard = 0; // number of the take that is heard
  let playing = false;
  let repeats = false;

  const takeOf = (takes) => Math.min(heard, takes - 1);
  const lead = () => players[takeOf(players.length)];

  function load(row, addresses) {
    if (key === row) return;
    unload();
    key = row;
    players = addresses.map((address, take) => {
      const player = new Audio();
      player.preload = "auto";
      player.addEventListener("ended", () => { if (player === lead()) end(); });
      player.addEventListener("timeupdate", () => { if (player === lead()) alignOthers(); });
      player.addEventListener("error", () => fail(player, take));
      player.src = address;
      return player;
    });
  }

  function unload() {
    const old = players;
    players = [];
    key = null;
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
    for (const player of players) {
      player.muted = player !== lead();
      align(player);
    }
    for (const player of players) {
      player.play().catch((error) => { // AbortError: paused before it began
        if (error.name !== "AbortError" && players.includes(player) && player === lead()) pause();
      });
    }
    changed();
  }

  function pause() {
    playing = false;
    players.forEach((player) => player.pause());
    changed();
  }

  function end() {
    players.forEach((player) => { player.currentTime = 0; });
    if (repeats) start();
    else pause();
  }

  function hear(take) {
    if (key === null) {
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
    changed();
  }

  return {
    load, start, pause, hear, takeOf,
    seek(seconds) { players.forEach((player) => { player.currentTime = seconds; }); },
    repeat(yes) { repeats = yes; },
    get key() { return key; },
    get playing() { return playing; },
    get seconds() { return key === null ? 0 : lead().currentTime; },
    get length() { return key === null ? 0 : lead().duration || 0; },
  };
};
