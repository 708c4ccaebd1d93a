"""The Lightning callbacks that watch, save and show a run: one in each file."""

from distill.training.callbacks.bundle_checkpoint import BundleCheckpoint
from distill.training.callbacks.codebook_health import CodebookHealthMonitor
from distill.training.callbacks.graceful_stop import GracefulStop
from distill.training.callbacks.previews import Previews
from distill.training.callbacks.progress_display import ProgressDisplay
from distill.training.callbacks.progress_rows import ProgressRows
from distill.training.callbacks.tensorboard_charts import TensorBoardCharts

__all__ = [
    "BundleCheckpoint",
    "CodebookHealthMonitor",
    "GracefulStop",
    "Previews",
    "ProgressDisplay",
    "ProgressRows",
    "TensorBoardCharts",
]
