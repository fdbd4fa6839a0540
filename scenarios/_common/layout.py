"""Text laid out for the terminal's width; imports little, so that the command starts at once."""

import os
import sys
from collections.abc import Mapping
from shutil import get_terminal_size
from textwrap import fill


def find_width() -> int | None:
    """Return how many columns tables and lists may have; None if the output is no terminal.

    COLUMNS, where the environment has it, is the width of any output.
    """
    if sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdigit():
        return get_terminal_size().columns
    return None


def wrap(text: str, width: int | None, indent: str = "") -> str:
    """Return a line broken at spaces into lines of a width, those after the first indented."""
    if width is None:
        return text
    return fill(text, width, subsequent_indent=indent, break_on_hyphens=False,
                break_long_words=False)  # fmt: skip


def wrap_message(text: str, width: int | None) -> str:
    """Return a message with each of its lines wrapped where a width is given.

    Lines that begin with spaces, as those of a list, go on two columns further in.
    """
    lines = text.split("\n")
    margins = [len(line) - len(line.lstrip()) for line in lines]
    return "\n".join(
        wrap(line, width, " " * (margin + 2 if margin else 0))
        for line, margin in zip(lines, margins, strict=True)
    )


def format_list(entries: Mapping[str, str], width: int | None) -> str:
    """Return names with a line on each beside them, wrapped where a width is given."""
    column = max(map(len, entries), default=0) + 4
    return "\n".join(
        wrap(f"  {name}".ljust(column) + text, width, " " * column)
        for name, text in entries.items()
    )
