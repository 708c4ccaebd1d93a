// What a first visit sees: three steps, and sounds of the demo collection to play at once.
const goToTab = (name) =>
  [...document.querySelectorAll("[role=tab]")].find((tab) => tab.textContent.trim() === name)?.click();

let demoAsked = null; // all tabs show the same sounds
const askForDemo = () => {
  demoAsked ??= request("/api/demo").catch((error) => { demoAsked = null; throw error; });
  return demoAsked;
};

const STEPS = [
  ["Choose your sounds", "On the Train tab, name a folder of at least five sounds, of any kind and length, or press " +
    "“Try the demo collection”."],
  ["Press Start", "It learns for some minutes, and you hear how close it comes. Close the page if you like: it goes " +
    "on."],
  ["Make new sounds", "On the Generate tab: single sounds, variations of one, loops, or a kit for a sampler. " +
    "Keep those that you like."],
];

// `name` tells the part of one tab from those of others; `starts` is whether the tab has the first step itself.
function welcome(name, { starts = false } = {}) {
  const sounds = soundList(`demo ${name}`, { compact: true });
  sounds.element.classList.add("grid");
  const said = element("p", { class: "faint", role: "status" }, "");
  const go = starts ? null : element("p", {},
    element("button", { type: "button", class: "use", onclick: () => goToTab("Train") }, "Begin with step 1"));
  const part = element("section", { class: "welcome", hidden: true },
    element("h2", {}, "Three steps to new sounds of your own"),
    element("ol", { class: "steps" }, STEPS.map(([title, words]) =>
      element("li", {}, element("strong", {}, title), element("p", {}, words)))),
    go,
    element("h3", {}, "Hear the demo collection first"),
    element("p", {}, "These sounds were synthesised here. A model of them takes some four minutes on two cores."),
    said, sounds.element);
  let shown = false;

  async function fill() {
    said.textContent = "Making them, which takes some seconds …";
    try {
      sounds.show((await askForDemo()).rows);
      said.textContent = "Space plays and pauses, ↑ ↓ goes to another sound.";
    } catch (error) {
      shown = false;
      said.textContent = `They cannot be made: ${error.message}`;
    }
  }

  part.show = (is) => {
    part.hidden = !is;
    if (!is || shown) return;
    shown = true;
    fill();
  };
  return part;
}
