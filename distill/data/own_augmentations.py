"""a training waveform → the same, changed by augmentations of installed packages."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from distill.errors import PluginError
from distill.plugins import AUGMENTATION, load
from distill.settings.schema import AugmentConfig


def augmented(
    waveform: Tensor, augment: AugmentConfig, random: np.random.Generator, *, sample_rate_hz: int
) -> Tensor:
    """Call each augmentation of `augment.extra`, in this order, with the waveform (1, T) float32;
    its result takes the waveform's place. All randomness must come from `random`, so that a resumed
    run repeats it. Raises PluginError for a result of another shape.
    """
    for name in augment.extra if augment.enabled else ():
        changed = load(AUGMENTATION, name)(waveform, sample_rate_hz=sample_rate_hz, random=random)
        if not isinstance(changed, Tensor) or changed.shape != waveform.shape:
            raise PluginError(
                f"the augmentation {name} must return a waveform of the shape "
                f"{tuple(waveform.shape)} that it was given"
            )
        waveform = changed.float()
    return waveform
