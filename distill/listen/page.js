// The rows of a page to listen, as its HTML has them, and the box that repeats.
(() => {
  // A page that is opened as a file may not read a sound beside it, but run a script that holds it.
  const read = (address) => new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.onload = () => resolve(Uint8Array.from(atob(window.distillSound), (each) => each.charCodeAt(0)).buffer);
    script.onerror = reject;
    script.src = address;
    document.head.append(script);
  });
  const repeat = document.getElementById("repeat");
  const all = [...document.querySelectorAll(".row")].map((element) => {
    const buttons = [...element.querySelectorAll(".take")];
    return {
      key: element.id,
      name: element.querySelector("bdi").textContent,
      element,
      seconds: Number(element.dataset.seconds),
      play: element.querySelector(".play"),
      takes: buttons.map(({ textContent, dataset: { src, script } }) =>
        ({ name: `the ${textContent}`, url: src, read: script && (() => read(script)) })),
      buttons,
      picture: element.querySelector(".mels"),
      cursor: element.querySelector(".cursor"),
      problem: element.querySelector(".problem"),
    };
  });
  const rows = createRows({
    rows: () => all, repeat, owns: () => true, pressesItself: (target) => target === repeat,
  });

  all.forEach(rows.connect);
  rows.choose(all[0]);
})();
