// The runs that lie on disk, and one of them in full.
function runPart(root, { trigger }) {
  let wanted = sessionStorage.getItem("distill-run") || ""; // the run that was chosen
  let drawn = ""; // the run that is to be seen
  let seen = "";
  let state = ""; // of the run that is to be seen
  let meant = []; // the states of it in which what was said last is true
  let busy = "";
  const lost = offline();
  const said = announcer();
  const choose = element("select", { id: "distill-run", onchange: () => showRun(choose.value) });
  const chooser = element("p", { class: "chooser", hidden: true },
    element("label", { for: "distill-run" }, "Run"), choose);
  const empty = welcome("train", { starts: true });
  const stop = element("button", {
    type: "button", class: "stop", hidden: true,
    onclick: () => act("/api/stop", "stopping: the run finishes its step and saves", "stopping"),
  }, "Stop");
  const goOn = element("button", {
    type: "button", class: "go-on", hidden: true, onclick: () => act("/api/go_on", "going on", "starting"),
  }, "Go on");
  const folder = element("input", { type: "text", id: "distill-run-folder" });
  const moved = element("p", { class: "moved", hidden: true },
    element("label", { for: "distill-run-folder" }, ""), folder);
  const use = element("button", { type: "button", class: "use", hidden: true }, "Make new sounds");
  use.addEventListener("click", () => trigger("use", { file: use.dataset.file }));
  const previews = firstRows(soundList("previews"));
  const newSounds = firstRows(soundList("run", {
    keeps: true, vary: (value) => trigger("vary", { source: value.source, file: use.dataset.file }),
  }));

  const title = element("h2", { tabindex: -1 });
  const head = section("div", { class: "state" }, (run) => [
    element("p", {}, run.sentence),
    run.error ? element("p", { class: "error" }, run.error) : null,
  ]);
  const progress = section("div", { class: "stages" }, ({ stages, left }) => [
    ...stages.map((stage) => {
      const share = Math.round(100 * stage.share);
      return element("div", { class: "stage" },
        element("span", { class: "name" }, stage.name),
        element("div", {
          class: "bar", role: "progressbar", "aria-label": stage.name,
          "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": share,
        }, element("div", { class: stage.done ? "done" : "", style: `width:${share}%` })),
        element("span", { class: "share" }, stage.done ? "done" : `${share} %`));
    }),
    left ? element("p", { class: "left" }, left) : null,
  ]);
  const facts = section("div", { class: "facts" }, ({ sounds, advice, choices }) => {
    const told = choices.filter((choice) => choice.key === "codebook size" || choice.key === "epochs");
    return [
      element("h3", {}, "Sounds and sizes"),
      sounds ? element("p", {}, element("bdi", {}, sounds), `. ${advice}`) : null,
      ...told.map((choice) => element("p", {},
        element("strong", {}, `${capital(choice.key)} ${choice.value}`), `: ${choice.reason}.`)),
      told.length ? element("p", {}, "The run has chosen these itself: nothing to do.") : null,
    ];
  });
  const levels = section("div", { class: "levels" }, drawLevels);
  const meaning = element("details", { class: "faint", hidden: true }, element("summary", {}, "What this means"),
    element("p", {}, "Each level refines what the one before has left. Utilization is the share of its codes " +
      "that are in use; under 30 % the level is mostly idle, and a warning says what to change."),
    element("p", {}, "Perplexity is how many codes it would take if all were used equally often: half of the codes " +
      "and more is healthy. Dead codes are used by none of the sounds."),
    element("p", {}, "The errors say how far held-out sounds, which it does not learn from, come back changed: " +
      "over all, in their first moments, in their loudest place, and in level."));
  const warnings = section("div", { class: "warnings" }, (rows) => rows.length ? [
    element("h3", {}, "Warnings and news"),
    element("ul", {}, rows.map((row) => element("li", {}, `${row.stage}, epoch ${row.epoch}: ${row.text}`))),
  ] : []);
  const charts = section("div", { class: "charts" }, (all) => all.map(lossChart));
  const verdicts = section("div", { class: "verdicts" }, (all) => all.length ? [
    element("h3", {}, "Verdicts"),
    element("dl", {}, all.flatMap(([stage, words]) => [element("dt", {}, stage), element("dd", {}, words)])),
  ] : []);
  const settings = section("details", { class: "more" }, ({ settings: rows, choices, path, commands }) => [
    element("summary", {}, "Settings, folder and commands"),
    element("p", {}, "Folder of the run: ", element("code", {}, path)),
    element("table", {}, element("tbody", {}, rows.map(([key, value]) =>
      element("tr", {}, element("th", { scope: "row" }, key), element("td", {}, value))))),
    choices.length ? element("ul", {}, choices.map(({ key, value, reason }) =>
      element("li", {}, `${key} ${value}: ${reason}`))) : null,
    ...commands.map(command),
  ]);
  const hear = element("div", { class: "hear", hidden: true },
    element("h3", {}, "Listen"), element("p", { class: "faint label" }),
    previews.element);
  const picture = section("figure", { class: "pictures" }, (address) => [
    element("a", { href: address, target: "_blank", rel: "noopener" },
      element("img", { src: address, alt: "Mel spectrograms of these sounds, original above result" })),
    element("figcaption", {}, "Time goes to the right, pitch upwards; the closer two pictures are, the better."),
  ]);
  hear.append(picture);
  const made = element("div", { class: "hear", hidden: true },
    element("h3", {}, "New sounds of this run"), newSounds.element);
  const keys = element("p", { class: "faint", hidden: true }, KEYS);
  const body = element("div", { class: "run", hidden: true },
    title, head, moved, element("div", { class: "buttons" }, stop, goOn, use), said, progress, warnings,
    made, hear, keys, verdicts, levels, meaning, charts, facts, settings);
  root.append(lost, empty, chooser, body);

  async function act(address, words, during) {
    if (busy) return;
    busy = address;
    acted();
    try {
      await request(address, { run: drawn, folder: moved.hidden ? "" : folder.value });
      say(words, [state, during]);
      stop.hidden = goOn.hidden = true; // the second of two clicks is none: the next look shows them again
      seen = "";
      title.focus();
    } catch (error) {
      say(error.message, [state], true);
    }
    busy = "";
    ask();
  }

  function say(words, states, isError = false) {
    meant = states;
    said.say(words, isError);
  }

  function show(value) {
    seen = value.version;
    const { run } = value;
    empty.show(value.runs.length === 0);
    chooser.hidden = value.runs.length < 2;
    body.hidden = !run;
    if (!run) return;
    if (drawn !== run.id || !meant.includes(run.state)) said.say("");
    if (drawn !== run.id) folder.value = "";
    if (value.gone) {
      wanted = "";
      say("The run that was chosen is not there any more.", [run.state], true);
    }
    moved.hidden = !run.sounds_gone;
    moved.firstChild.textContent = `The sounds are not in ${run.sounds_gone} any more. Where are they now?`;
    drawn = run.id;
    state = run.state;
    const options = value.runs.map((each) => element("option", { value: each.id, selected: each.id === run.id },
      `${each.name} (${each.state}), ${each.folder}`));
    const older = `and ${quantity(value.earlier, "older run")}`;
    if (value.earlier) options.push(element("option", { disabled: true }, older));
    if (document.activeElement !== choose) choose.replaceChildren(...options);
    title.replaceChildren(element("bdi", {}, run.name),
      element("span", { class: `pill ${run.state.replaceAll(" ", "-")}` }, run.state));
    head.show({ sentence: run.sentence, error: run.error });
    progress.show(run.stages.length && run.state !== "finished" ? { stages: run.stages, left: run.left } : null);
    facts.show(run.sounds && { sounds: run.sounds, advice: run.sounds_advice, choices: run.choices });
    levels.show(run.levels && { ...run.levels, heard: run.heard });
    meaning.hidden = !run.levels;
    warnings.show(run.warnings);
    charts.show(run.charts);
    verdicts.show(run.verdicts);
    settings.show({ settings: run.settings, choices: run.choices, path: run.path, commands: run.commands });
    stop.hidden = !run.can_stop;
    goOn.hidden = !run.can_go_on;
    use.hidden = !run.model;
    use.textContent = run.model && run.model.prior ? "Make new sounds" : "Send a sound through it";
    use.dataset.file = run.model ? run.model.file : "";
    hear.hidden = run.previews.rows.length === 0;
    hear.querySelector(".label").textContent = run.previews.label;
    previews.show(run.previews.rows);
    picture.show(run.previews.picture);
    made.hidden = run.new_sounds.length === 0;
    keys.hidden = made.hidden && hear.hidden;
    newSounds.show(run.new_sounds);
  }

  function showRun(id) {
    wanted = id;
    sessionStorage.setItem("distill-run", id);
    seen = "";
    said.say("");
    ask();
  }

  const address = () => `/api/runs?run=${encodeURIComponent(wanted)}&seen=${encodeURIComponent(seen)}`;
  const ask = look(root, address, show, (is) => { lost.hidden = !is; });
  document.addEventListener("distill-run", (event) => showRun(event.detail));
}

function drawLevels({ epoch, sizes, complete, rows, advice, heard }) {
  const rough = complete ? "" : " (rough: measured at few places)";
  const [figures, todo] = heard;
  return [
    figures ? element("h3", {}, "Held-out sounds") : null,
    figures ? element("p", {}, `${capital(figures)}. ${todo}`) : null,
    levelTable(`Codebooks after epoch ${epoch}, ${sizes}${rough}`, rows),
    element("p", {}, advice),
  ];
}
