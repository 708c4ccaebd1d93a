// The library: its models as cards or as a table, and one of them in full.
const MODEL_ORDERS = {
  newest: ["Newest first", (a, b) => b.date.localeCompare(a.date)],
  name: ["Name", (a, b) => a.plain_name.localeCompare(b.plain_name)],
  error: ["Mel error", (a, b) => (a.mel_db ?? Infinity) - (b.mel_db ?? Infinity)],
  utilization: ["Worst level first", (a, b) => (a.worst_utilization ?? Infinity) - (b.worst_utilization ?? Infinity)],
  size: ["Largest first", (a, b) => b.bytes - a.bytes],
};

function libraryPart(root, { trigger }) {
  let seen = "";
  let models = [];
  let folder = "";
  let others = []; // other libraries, where this one is empty
  let open = null; // file of the model that is shown in full
  let began = false; // whether one was: the newest is, until another is chosen
  const lost = offline();
  const said = announcer();
  const problem = element("p", { class: "error", role: "status" });
  const search = element("input", { type: "search", id: "library-search", oninput: draw });
  const order = element("select", { id: "library-order", onchange: draw },
    Object.entries(MODEL_ORDERS).map(([key, [label]]) => element("option", { value: key }, label)));
  const form = element("select", { id: "library-form", onchange: draw },
    element("option", { value: "cards" }, "Cards"), element("option", { value: "table" }, "Table"));
  const field = (label, control) =>
    element("div", { class: "field" }, element("label", { for: control.id }, label), control);
  const list = element("div", { class: "models" });
  const start = welcome("library");
  const heard = new Map(); // file of a model → the list of its one sound
  const sounds = soundList("library", {
    keeps: true, vary: (value) => trigger("vary", { source: value.source, file: open }),
  });
  const details = element("section", { class: "details", hidden: true, "aria-label": "Details of a model" });
  const reload = async () => { ({ models } = await request("/api/models")); draw(); };
  const choosing = [field("Search", search), field("Sort by", order), field("Show as", form), addModel(said, reload)];
  root.append(lost, element("div", { class: "fields" }, choosing), said, problem, list, details, start);

  const matches = (model) => {
    const texts = [model.name, model.description, model.collection, model.vocoder, ...model.tags];
    const text = texts.join(" ").toLowerCase();
    return search.value.toLowerCase().split(/\s+/).every((word) => text.includes(word));
  };

  function draw() {
    const chosen = models.filter(matches).sort(MODEL_ORDERS[order.value][1]);
    const focused = list.contains(document.activeElement) ? document.activeElement.dataset.file : null;
    start.show(!models.length && !problem.textContent);
    if (!models.length) list.replaceChildren(nothing());
    else if (!chosen.length) list.replaceChildren(element("p", { class: "empty" }, "No model matches."));
    else if (form.value === "cards") list.replaceChildren(element("ul", { class: "cards" }, chosen.map(card)));
    else list.replaceChildren(table(chosen));
    if (focused) list.querySelector(`[data-file="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  }

  const nothing = () => element("div", { class: "empty" },
    element("p", {}, "No models in ", element("code", {}, folder), " yet. Train one, and it appears here."),
    ...others.flatMap((each, place) => [
      element("p", {}, place ? "" : "Used last: ", element("code", {}, each.folder), ` (${each.models}). To open it:`),
      command(each.command),
    ]));

  // The list of a model's sound is the same one in each drawing: what plays goes on.
  const player = (model) => {
    if (!heard.has(model.file)) heard.set(model.file, soundList(`card ${model.file}`, { compact: true }));
    const sounds = heard.get(model.file);
    sounds.show(model.sound ? [model.sound] : []);
    return sounds.element;
  };

  const badges = (model) => [
    model.vocoder ? element("span", { class: "pill green" }, `own vocoder: ${model.vocoder}`) : null,
    model.prior ? element("span", { class: "pill" },
      model.without_sounds ? "makes variations; without its sounds" : "makes new sounds") : null,
  ];
  const opener = (model) => element("button", {
    type: "button", class: "link", "data-file": model.file, onclick: () => showDetails(model.file),
  }, element("bdi", {}, model.name));

  function card(model) {
    const quality = [model.closeness && `sounds ${model.closeness}`, model.mel_error && `mel error ${model.mel_error}`];
    return element("li", { class: "card" },
      element("h2", {}, opener(model)),
      element("p", { class: "pills" }, badges(model)),
      player(model),
      element("p", {}, capital(quality.filter(Boolean).join(", ") || "no figures")),
      model.advice ? element("p", {}, model.advice) : null,
      element("p", { class: "faint" }, `${model.codes} codes, worst level ${model.utilization || "not known"}`),
      element("p", { class: "faint" }, model.collection),
      element("p", { class: "faint" }, `${model.date}, ${model.size}`));
  }

  function table(chosen) {
    const wide = { class: "wide", tabindex: 0, role: "region", "aria-label": "Table of models" };
    return element("div", wide, element("table", {},
      headings(["Name", "Date", "Codes", "Mel error", "Sounds", "Worst level", "Vocoder", "Size"]),
      element("tbody", {}, chosen.map((model) => element("tr", {},
        element("th", { scope: "row" }, opener(model)),
        cells([model.date, model.codes, model.mel_error, model.closeness, model.utilization]),
        element("td", {}, model.vocoder ? element("span", { class: "pill green" }, model.vocoder) : ""),
        element("td", {}, model.size))))));
  }

  async function showDetails(file, moves = true) {
    const model = models.find((each) => each.file === file);
    open = model ? file : null;
    details.hidden = !model;
    if (!model) return;
    drawDetails(model);
    sounds.show([]);
    if (moves) {
      details.scrollIntoView({ block: "nearest" });
      details.querySelector("h2").focus({ preventScroll: true });
    }
    try {
      const { rows } = await request(`/api/model_sounds?file=${encodeURIComponent(file)}`);
      if (open !== file) return;
      sounds.show(rows);
      details.querySelector(".no-sounds").hidden = rows.length > 0;
    } catch (error) {
      said.say(error.message, true);
    }
  }

  function drawDetails(model) {
    const { ask, remove } = deleting(model);
    const use = model.missing ? null : element("button", {
      type: "button", class: "use", onclick: () => trigger("use", { file: model.file }),
    }, model.without_sounds ? "Make variations" : model.prior ? "Make new sounds" : "Send a sound through it");
    const facts = model.facts.flatMap(([key, value]) => [
      element("dt", {}, key[0].toUpperCase() + key.slice(1)), element("dd", {}, value),
    ]);
    details.replaceChildren(
      element("h2", { tabindex: -1 }, element("bdi", {}, model.name)),
      element("p", { class: "pills" }, badges(model)),
      element("dl", {}, facts),
      model.advice ? element("p", {}, model.advice) : null,
      levelTable("Codebook health", model.levels),
      element("div", { class: "buttons" }, use, remove),
      ask,
      ...(model.missing ? [] : [
        renaming(model), ...handOver(model),
        element("h3", {}, "The same in a terminal"), ...model.commands.map(command),
      ]),
      element("h3", {}, "Listen"),
      element("p", { class: "faint" },
        `${KEYS} Each sound has figures of its own; those above are of all held-out sounds together.`),
      element("p", { class: "no-sounds faint", hidden: true },
        "The run that made this model is not here any more, and with it its sounds. Make new ones, or send one " +
        "through it."),
      sounds.element);
  }

  function renaming(model) {
    const name = element("input", { type: "text", id: "library-rename", value: model.plain_name });
    const rename = (event) => {
      event.preventDefault();
      const words = `Renaming ${model.plain_name} to ${name.value}`;
      act("/api/rename", { file: model.file, name: name.value }, words, { stays: model.id });
    };
    return element("form", { class: "fields", onsubmit: rename },
      field("Name", name), element("button", { type: "submit" }, "Rename"));
  }

  // The button, and the question that comes before anything is deleted.
  function deleting(model) {
    const remove = element("button", {
      type: "button", onclick: () => { ask.hidden = false; ask.querySelector(".no").focus(); },
    }, "Delete …");
    const ask = element("div", { class: "ask", hidden: true, role: "group", "aria-label": "Delete the model" },
      element("p", {}, "Delete ", element("bdi", {}, model.name),
        ` (${model.size})? Its file in the library is removed for good; the run's own folder keeps its copy.`),
      element("div", { class: "buttons" },
        element("button", {
          type: "button", class: "stop",
          onclick: () => act("/api/delete", { file: model.file }, `Deleting ${model.name}`),
        }, "Yes, delete"),
        element("button", {
          type: "button", class: "no", onclick: () => { ask.hidden = true; remove.focus(); },
        }, "No")));
    return { ask, remove };
  }

  async function act(address, body, words, { stays = null } = {}) {
    details.inert = true;
    acted();
    said.say(`${words} …`);
    try {
      await request(address, body);
      await reload();
      details.inert = false;
      showDetails(models.find((model) => model.id === stays)?.file ?? null);
      if (!open) search.focus();
      said.say(`${words}: done.`);
    } catch (error) {
      details.inert = false;
      said.say(error.message, true);
    }
  }

  const ask = look(root, () => `/api/models?seen=${encodeURIComponent(seen)}`, (value) => {
    const before = JSON.stringify(models.find((model) => model.file === open));
    seen = value.version;
    models = value.models;
    folder = value.folder;
    others = value.others;
    for (const [file, sounds] of heard) {
      if (models.some((model) => model.file === file) || sounds.playing()) continue;
      lists.delete(sounds);
      heard.delete(file);
    }
    problem.textContent = value.problem;
    draw();
    const model = models.find((each) => each.file === open);
    if (!began && models.length) {
      began = true;
      showDetails(models[0].file, false);
    } else if (open && !model) { open = null; details.hidden = true; }
    else if (open && JSON.stringify(model) !== before && !details.contains(document.activeElement)) {
      showDetails(open, false);
    }
  }, (is) => { lost.hidden = !is; });
}
