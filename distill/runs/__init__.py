"""what a run leaves on the disk, written and read without torch.

A run has a folder of its own, and in it:

- `config.yaml`: all its settings, with which it is resumed;
- `progress.jsonl`: a row for each event, as it happens (`rows`, `progress`);
- `summary.json`: the figures of each stage that has ended (`summary`, `history`);
- `train.log`: what was printed, and more;
- `collection.json`: the sounds that are used, and those that are left out;
- `checkpoints/`: the best and the last state of each stage;
- `best.distillgan`, `last.distillgan`: the model;
- `previews/`: sounds as they come back while the run trains;
- `listen.html` with `listen_files/`: a page to listen to held-out sounds;
- `new_sounds/`: new sounds by the model, with a page of their own; `new_sounds_early/` while its
  prior learns;
- `.lock` while it trains, and `stop`, which somebody else writes to end it (`folder`).

The names stand in `folder`; those that lower rooms need stand in `distill.system.run_parts`.
"""
