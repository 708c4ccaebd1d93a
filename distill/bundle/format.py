"""content of a model → its `.distillgan` file, version 1.

The file is one dictionary of plain values and tensors, written by `torch.save`: a ZIP archive whose
entries are stored, not compressed, with the dictionary's pickle in `*/data.pkl` and each tensor's
bytes in `*/data/N`. It has a seal, which `distill.bundle.archive` describes. The dictionary's keys:

format                    "distillgan_model"
version                   1
model_type                "vqvae"
model_state_dict          {name: tensor}, weights and codebooks, no optimizer state
vqvae_config              fields of distill.model.vqvae.VQVAEConfig
spectrogram_config        fields of distill.model.mel.SpectrogramConfig
training_config           the resolved configuration of the run, plain values
codebook_health_snapshot  {"level_0", ..., "low_0", ...: fields of
                          distill.codec.description.LevelHealth}
loss_curve_history        fields of distill.codec.description.LossCurves
metadata                  fields of distill.codec.description.Metadata
vocoder_state             only if there is one: fields of distill.vocoder.state.VocoderState
prior_state               only if there is one: fields of distill.prior.state.PriorState
codec_digest              SHA-256 over model_state_dict, vqvae_config and spectrogram_config; code
                          files hold it too, and only a model with the same one decodes them
checksum                  SHA-256 over all of the above, see `distill.codec.digest`
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from distill.bundle.archive import seal_archive
from distill.codec.digest import checksum_of, codec_digest_of
from distill.system.atomic import whole_file

MARKER = "distillgan_model"
VERSION = 1
MODEL_TYPE = "vqvae"


def write_bundle(path: Path, fields: Mapping[str, Any], *, replace: bool = True) -> None:
    """Write a bundle, completely or not at all; without `replace`, raises FileExistsError if there
    is a file.

    `fields` are the keys of the dictionary. Format, version, model_type and the digests are always
    set here, even if `fields` has them.
    """
    header = {"format": MARKER, "version": VERSION, "model_type": MODEL_TYPE}
    content = {**header, **fields, **header}
    content["model_state_dict"] = {
        # a copy, because torch would write all the memory that a view belongs to
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, tensor in fields["model_state_dict"].items()
    }
    content["codec_digest"] = codec_digest_of(content)
    content["checksum"] = checksum_of(content)
    archive = io.BytesIO()  # in memory first: then a full disk raises a clear OSError
    torch.save(content, archive)
    with whole_file(path, replace=replace) as partial:
        partial.write_bytes(seal_archive(archive.getvalue()))
