// Model files: out of the library, with their sounds or without them, and into it.
const HEARD = "Whoever has this file can hear the sounds that it was made of.";

function handOver(model) {
  const link = (label, name, more = "") => element("a", {
    class: "file", download: name, href: `/api/model_file?file=${encodeURIComponent(model.file)}${more}`,
  }, label);
  const stem = model.file.replace(/\.distillgan$/, "");
  return [
    element("h3", {}, "Hand over"),
    element("p", { class: "buttons" },
      link("Download the model file", model.file),
      model.keeps_sounds
        ? link("Download it without its sounds", `${stem}-without-sounds.distillgan`, "&sounds=no") : null),
    element("p", { class: "faint" }, model.keeps_sounds
      ? `${HEARD} Without them, ${model.without}.`
      : "This file keeps none of the sounds that it was made of."),
  ];
}

// A field for a model file; `said` tells what came of it, and `done` is called when one was added.
function addModel(said, done) {
  const input = element("input", { type: "file", id: "library-add", accept: ".distillgan", onchange: async () => {
    const [file] = input.files;
    if (!file) return;
    acted();
    said.say(`Adding ${file.name} …`);
    input.disabled = true;
    try {
      const address = `/api/add_model?name=${encodeURIComponent(file.name)}`;
      const answer = await fetch(address, { method: "POST", body: file });
      const value = await answer.json().catch(() => ({}));
      if (!value.said) throw new Error(value.error || `the dashboard answers ${answer.status}`);
      await done();
      said.say(`${value.said}.`);
    } catch (error) {
      said.say(error.message, true);
    } finally {
      input.disabled = false;
      input.value = "";
    }
  } });
  return element("div", { class: "field" },
    element("label", { for: input.id }, "Add a model file"), input,
    element("p", { class: "faint" }, "A .distillgan file. Whoever has one can hear the sounds that it was made of, " +
      "unless it was written without them."));
}
