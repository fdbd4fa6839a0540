"""Errors and warnings of the command: each in one line on the standard error, whatever happened."""

import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from errno import ENOSPC
from typing import Any

import typer

from scenarios._common.errors import STOPPED, CommandError, StoppedError
from scenarios._common.layout import wrap_message
from scenarios._common.output import escape_controls

FAILED, MISTAKEN = 1, 2  # exit codes: of a command that failed, of a command line with a mistake
USAGE_ERROR: Any = typer.BadParameter.__base__  # click's own, which new versions of Typer contain
EXPECTED = (ValueError, TypeError, OSError, RuntimeError)  # with a message for the user
FAULT = "this is a fault of market-shock: please report it with what market-shock --traceback shows"


@dataclass
class Request:
    """What was asked of the command as a whole.

    Parameters
    ----------
    traceback : bool
        Whether an error is to be shown with its traceback.
    """

    traceback: bool = False


@contextmanager
def explain_errors(request: Request) -> Iterator[None]:
    """Turn an error into a line and an exit code; an interrupt is left to whoever listens."""
    try:
        yield
    except Exception as error:
        what, code, message = describe_error(error)
        if code == STOPPED:  # another Ctrl-C would say so again, beside this line or within it
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        if request.traceback:
            sys.stderr.write(escape_controls(traceback.format_exc()))
        complain("yellow" if code == STOPPED else "red", what, message)
        raise SystemExit(code) from None


def describe_error(error: Exception) -> tuple[str, int, str]:
    """Return what an error is called, the exit code, and its message."""
    if isinstance(error, StoppedError):
        return "stopped", STOPPED, str(error)
    if isinstance(error, CommandError):
        return "error", MISTAKEN, str(error)
    if isinstance(error, USAGE_ERROR):
        command = error.ctx.command_path if error.ctx else "market-shock"
        return "error", MISTAKEN, f"{error.format_message().rstrip('.')}; see {command} --help"
    if isinstance(error, MemoryError):
        says = " ".join(str(error).split()) or "an array did not fit"
        return (
            "error",
            FAILED,
            f"memory is short ({says}): give a smaller --block or --replications",
        )
    if isinstance(error, OSError) and error.errno == ENOSPC and not error.filename:
        says = "what is printed finds no room where it goes"
        return "error", FAILED, f"{says} ({error.strerror}): make some, or let it go elsewhere"
    if isinstance(error, EXPECTED):
        return "error", FAILED, str(error) or type(error).__name__
    message = " ".join(f"{type(error).__name__}: {error}".split())
    return "error", FAILED, f"{message}; {FAULT}"


def complain(colour: str, what: str, message: object) -> None:
    """Print a message to the standard error, wrapped if that is a terminal."""
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True, soft_wrap=True)
    line = escape_controls(f"{what}: {message}")
    text = wrap_message(line, console.width if sys.stderr.isatty() else None)
    head = f"{what}:"
    console.print(Text.assemble((head, f"bold {colour}"), text.removeprefix(head)))


def warn(message: Warning | str, *_: object, **__: object) -> None:
    """Print a warning, as `warnings.showwarning` would."""
    complain("yellow", "warning", message)
