"""A callback for `callbacks.extra` that puts NaN or infinity into a run."""

from __future__ import annotations

import lightning

STEP = 12


class Spoil(lightning.Callback):
    """Puts a value where it does not belong, once, in the second epoch or the third."""

    def __init__(self, what: str, value: float) -> None:
        self.what, self.value = what, value

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):  # type: ignore[no-untyped-def]
        if pl_module.step != STEP:
            return
        if self.what == "batch":
            batch["waveform"][0, 0, 7] = self.value
        if self.what == "codebook":
            pl_module.model.quantizer.rvq.layers[1].codebook[3] = self.value
        if self.what == "weight":
            next(pl_module.model.decoder.parameters()).data.view(-1)[0] = self.value

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):  # type: ignore[no-untyped-def]
        last = batch_idx + 1 == trainer.num_training_batches
        if self.what == "last step" and pl_module.step > STEP and last:
            next(pl_module.model.encoder.parameters()).data.view(-1)[0] = self.value

    def on_after_backward(self, trainer, pl_module):  # type: ignore[no-untyped-def]
        if self.what == "gradient" and pl_module.step == STEP:
            next(pl_module.model.parameters()).grad.view(-1)[0] = self.value
