// The own parts by their names, and how each is put into the page.
function messagePart(root, { props, watch, trigger }) {
  const line = announcer();
  root.append(line);
  const show = () => {
    const value = props.value;
    if (!value) return;
    acted();
    line.say(value.text, value.error);
    if (value.run) document.dispatchEvent(new CustomEvent("distill-run", { detail: value.run }));
    if (value.call) document.dispatchEvent(new Event("distill-new"));
  };
  document.addEventListener("distill-folder", ({ detail: folder }) => {
    if (line.classList.contains("error") && props.value.folder !== folder) line.say("");
  });
  watch("value", show);
  show();
}

// What a run would find in the folder that was chosen.
function surveyPart(root, { props, watch }) {
  const page = Math.random().toString(36);
  let asked = null;
  let timer = 0;
  const reading = section("p", { class: "reading" }, (found) =>
    found.total ? `Reading the sounds: ${found.done} of ${found.total} …` : "Looking at the folder …");
  const show = section("div", { class: "survey", role: "status" }, (found) => {
    if (found.error) return [element("p", { class: "error" }, found.error)];
    return [
      element("p", {}, element("bdi", {}, found.sounds)),
      found.few ? element("p", {}, found.few) : null,
      found.takes ? element("p", {}, element("strong", {}, `Takes about ${found.takes} in all`),
        " on two cores, unless you say how many minutes.") : null,
      found.codebook ? element("p", {}, element("strong", {}, `Codebook size ${found.codebook}`), `: ${found.reason}`)
        : found.sounds && found.busy ? element("p", {}, "Codebook size: …") : null,
    ];
  });
  root.append(reading, show);
  const tell = (found) => {
    const isKnown = found !== null && Boolean(found.error || found.sounds);
    reading.show(found === null || isKnown ? null : found);
    show.show(isKnown ? { ...found, done: 0 } : null);
  };
  const ask = async (again) => {
    clearTimeout(timer);
    const folder = asked;
    try {
      const found = await request("/api/survey", { folder, page, again: again ? "yes" : "no" });
      if (folder !== asked) return;
      tell(found);
      if (found.busy) timer = setTimeout(ask, 400, false);
    } catch (error) {
      if (folder === asked) tell({ error: error.message });
    }
  };
  const begin = () => {
    asked = props.value ? props.value.folder : null;
    document.dispatchEvent(new CustomEvent("distill-folder", { detail: asked }));
    if (asked === null) tell(null);
    else ask(true);
  };
  watch("value", begin);
  begin();
}

// New sounds, call by call, and those that are kept.
function newSoundsPart(root, { trigger }) {
  let seen = "";
  let models = ""; // the library of the last look
  const calls = new Map();
  const lost = offline();
  const kept = element("p", { class: "kept" });
  const list = element("div", {});
  const empty = element("p", { class: "empty" }, "New sounds appear here, the newest on top.");
  const start = welcome("generate");
  const ofRuns = soundList("new run", { keeps: true, vary: (row) => trigger("vary", { source: row.source }) });
  const madeLast = element("section", { class: "made", hidden: true },
    element("h2", {}, "Made by the newest model when it had learnt"), ofRuns.element);
  const earlier = element("p", { class: "faint" });
  const help = element("div", {},
    element("p", { class: "faint" }, `${KEYS} k keeps. Beside a new sound stands the known one that is nearest, and ` +
      "how far it is in dB: listen to both, and keep what is new enough for you."),
    element("p", {}, element("label", {}, repeat, " Repeat")));
  root.append(lost, kept, empty, help, list, madeLast, earlier, start);

  function call(value) {
    const vary = (row) => trigger("vary", { source: row.source });
    const sounds = soundList(`new ${value.id}`, { keeps: true, vary });
    const head = section("div", {}, ({ title, busy, error, sheet, kit, count }) => [
      element("h2", {}, element("bdi", {}, title),
        busy ? element("span", { class: "pill training" }, "at work") : null),
      busy && !count ? element("p", { role: "status" },
        "Loading the model and drawing: the first sound takes some ten seconds …") : null,
      busy ? element("button", { type: "button", class: "small", onclick: async (event) => {
        const button = event.currentTarget;
        try {
          await request("/api/cancel", { call: value.id });
          button.textContent = "Cancelling …";
        } catch (problem) {
          button.textContent = problem.message;
        }
      } }, "Cancel") : null,
      error ? element("p", { class: "error", role: "status" }, error) : null,
      kit ? element("p", {},
        element("a", { href: kit.url, download: kit.file, class: "zip" }, "Download the kit as a zip")) : null,
      kit ? element("p", { class: "faint" }, "Unpack it, and open the .sfz or .dspreset file in a sampler.") : null,
      kit?.missing ? element("p", { role: "status" },
        `Missing: ${kit.missing}. What is too much like other sounds is left out.`) : null,
      sheet ? element("p", {},
        element("a", { href: sheet, target: "_blank", rel: "noopener" }, "Picture of them all")) : null,
    ]);
    return { sounds, head, element: element("section", { class: "call" }, head, sounds.element) };
  }

  function show(value) {
    seen = value.version;
    if (models && models !== value.models) trigger("models", {});
    models = value.models;
    const isFirst = !value.calls.length && !value.usable;
    start.show(isFirst);
    empty.hidden = value.calls.length > 0 || isFirst;
    help.hidden = isFirst;
    ofRuns.show(value.of_runs);
    madeLast.hidden = !value.of_runs.length;
    const { length: shown } = value.calls;
    earlier.replaceChildren(...(value.earlier ? [
      `These are the newest ${shown} of ${shown + value.earlier} calls. The sounds of the others are in `,
      element("code", {}, value.folder), ".",
    ] : []));
    kept.replaceChildren(...(value.kept ? [
      `${quantity(value.kept, "sound")} kept, in `, element("code", {}, value.kept_folder), ". ",
      element("a", { href: "/kept.zip", download: "kept.zip", class: "zip" }, "Download them all as a zip"),
      value.not_zipped.length ? ` Not in the zip: ${value.not_zipped.join("; ")}.` : "",
    ] : []));
    for (const each of value.calls) {
      if (!calls.has(each.id)) calls.set(each.id, call(each));
      const part = calls.get(each.id);
      const { title, busy, error, sheet, kit, rows: { length: count } } = each;
      part.head.show({ title, busy, error, sheet, kit, count });
      part.sounds.show(each.rows);
    }
    const wanted = value.calls.map((each) => calls.get(each.id));
    for (const [id, part] of calls) {
      if (wanted.includes(part) || part.sounds.playing()) continue;
      part.element.remove();
      lists.delete(part.sounds);
      calls.delete(id);
    }
    putInOrder(list, wanted.map((part) => part.element));
  }

  const address = () => `/api/new_sounds?seen=${encodeURIComponent(seen)}`;
  const ask = look(root, address, show, (is) => { lost.hidden = !is; });
  document.addEventListener("distill-kept", ask);
  document.addEventListener("distill-new", ask);
}

// Plays the sound that is chosen in the list above it.
function heardPart(root, { props, watch }) {
  const problem = element("p", { class: "faint", role: "status", hidden: true }, "This sound cannot be played.");
  const audio = element("audio", {
    controls: true, preload: "none", "aria-label": "The chosen sound",
    onerror: () => { problem.hidden = !audio.error; },
  });
  root.append(audio, problem);
  const show = () => {
    const url = props.value?.url ?? "";
    root.hidden = !url;
    problem.hidden = true;
    if (url) audio.src = url;
    else audio.removeAttribute("src");
  };
  watch("value", show);
  show();
}

const PARTS = {
  run: runPart, library: libraryPart, message: messagePart, note: messagePart, survey: surveyPart,
  sounds: newSoundsPart, heard: heardPart,
};

window.distill = {
  mount(kind, host, tools) {
    const root = host.querySelector(".own");
    if (!root || root.dataset.mounted) return;
    root.dataset.mounted = "yes";
    PARTS[kind](root, tools);
  },
};
