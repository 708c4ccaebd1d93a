"""pads → the text of an SFZ preset, as samplers read it (sfzformat.com, version 1 and its usual
opcodes).
"""

from __future__ import annotations

from collections.abc import Sequence

from distill.kit.pads import Pad

SUFFIX = ".sfz"
CHOKE_GROUP = 1


def sfz_text(pads: Sequence[Pad], *, title: str) -> str:
    """A preset beside the folders of the sounds."""
    lines = [f"// {title}", "<global> loop_mode=one_shot ampeg_release=0.01"]
    for pad in pads:
        group = f"<group> key={pad.key} pitch_keytrack=0"
        if pad.choked:
            group += f" group={CHOKE_GROUP} off_by={CHOKE_GROUP} off_mode=fast"
        if pad.robins > 1:
            group += f" seq_length={pad.robins}"
        lines += ["", f"// {pad.name}", group]
        for zone in pad.zones:
            region = f"<region> lovel={zone.low_velocity} hivel={zone.high_velocity}"
            if pad.robins > 1:
                region += f" seq_position={zone.robin}"
            lines.append(f"{region} sample={zone.path}")
    return "\n".join([*lines, ""])
