"""pads → the text of a DecentSampler preset (DecentSampler Developer's Guide)."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from distill.kit.pads import Pad

SUFFIX = ".dspreset"
MIN_VERSION = "1.6.0"
CHOKED = "hats"


def decentsampler_text(pads: Sequence[Pad]) -> str:
    """A preset beside the folders of the sounds."""
    root = ElementTree.Element("DecentSampler", minVersion=MIN_VERSION)
    groups = ElementTree.SubElement(root, "groups")
    for pad in pads:
        # without an envelope, a stroke is heard to its end however short the key is held
        attributes = {"name": pad.name, "ampEnvEnabled": "false", "ampVelTrack": "1"}
        if pad.choked:
            attributes |= {"tags": CHOKED, "silencedByTags": CHOKED, "silencingMode": "fast"}
        if pad.robins > 1:
            attributes |= {"seqMode": "round_robin", "seqLength": str(pad.robins)}
        group = ElementTree.SubElement(groups, "group", attributes)
        for zone in pad.zones:
            sample = {
                "path": str(zone.path),
                "rootNote": str(pad.key),
                "loNote": str(pad.key),
                "hiNote": str(pad.key),
                "loVel": str(zone.low_velocity),
                "hiVel": str(zone.high_velocity),
                "pitchKeyTrack": "0",
            }
            if pad.robins > 1:
                sample["seqPosition"] = str(zone.robin)
            ElementTree.SubElement(group, "sample", sample)
    ElementTree.indent(root, space=" ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, "unicode") + "\n"
