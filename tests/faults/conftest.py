"""Small file systems to fill, and runs that are made once."""

from tests.helpers.disks import disk
from tests.helpers.whole_runs import all_sounds, whole

__all__ = ["all_sounds", "disk", "whole"]
