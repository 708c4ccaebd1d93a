"""Runs that are made once, and small file systems to fill."""

from tests.helpers.disks import disk
from tests.helpers.whole_runs import all_sounds, shown_run, whole

__all__ = ["all_sounds", "disk", "shown_run", "whole"]
