"""From logs to tables and figures: pandas and seaborn, never a live market."""

from analysis.load import Run, load

__all__ = ["Run", "load"]
