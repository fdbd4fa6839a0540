"""Ctrl-C: heard while a run writes to its folder, even where Python drops the exception."""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType
from typing import Any, Self


class Interrupts:
    """Hears Ctrl-C, as a context manager.

    The first one raises KeyboardInterrupt, as Python does. But code that it meets may drop that
    exception: a weak reference's callback, NumPy while it looks a name up, a bare `except`. So it
    is remembered too, and whoever calls `check` stops then. A second Ctrl-C is left to whoever
    listened before.

    In a thread that is not the main one, or where Ctrl-C is ignored, nothing changes.

    Examples
    --------
    >>> with Interrupts() as interrupts:
    ...     for block in range(2):
    ...         interrupts.check()
    """

    def __init__(self) -> None:
        self._came = False
        self._before: Any = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.getsignal(signal.SIGINT)
        if callable(self._before):
            signal.signal(signal.SIGINT, self._hear)
            self._report, sys.unraisablehook = sys.unraisablehook, self._report_others
        return self

    def _hear(self, _number: int, _frame: FrameType | None) -> None:
        self._came = True
        signal.signal(signal.SIGINT, self._before)
        raise KeyboardInterrupt

    def _report_others(self, dropped: Any) -> None:
        """Report an exception that Python dropped, unless it is a Ctrl-C, which was heard."""
        if not issubclass(dropped.exc_type, KeyboardInterrupt):
            self._report(dropped)

    def check(self) -> None:
        """Raise KeyboardInterrupt if a Ctrl-C came."""
        if self._came:
            raise KeyboardInterrupt

    def __exit__(self, *_: object) -> None:
        if callable(self._before):
            sys.unraisablehook = self._report
            signal.signal(signal.SIGINT, self._before)
