"""From logs to tables and figures: pandas and seaborn, never a live market."""

from analysis.load import Run, load, load_unfinished

__all__ = ["Run", "load", "load_unfinished"]
