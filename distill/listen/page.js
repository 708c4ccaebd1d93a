// The rows of a page to listen, as its HTML has them, and the box that repeats.
(() => {
  const repeat = document.getElementById("repeat");
  const all = [...document.querySelectorAll(".row")].map((element) => {
    const buttons = [...element.querySelectorAll(".take")];
    return {
      key: element.id,
      name: element.querySelector("bdi").textContent,
      element,
      seconds: Number(element.dataset.seconds),
      play: element.querySelector(".play"),
      takes: buttons.map((button) => ({ name: `the ${button.textContent}`, url: button.dataset.src })),
      buttons,
      picture: element.querySelector(".mels"),
      cursor: element.querySelector(".cursor"),
      problem: element.querySelector(".problem"),
    };
  });
  const rows = createRows({
    rows: () => all,
    owns: (target) => !(target instanceof HTMLInputElement),
    keys: { r: () => { repeat.checked = !repeat.checked; repeats(); } },
  });
  const repeats = () => rows.player.repeat(repeat.checked);

  repeat.addEventListener("change", repeats);
  all.forEach(rows.connect);
  rows.choose(all[0]);
})();
