"""Text laid out for the terminal's width; imports little, so that the command starts at once."""

import sys
from collections.abc import Mapping
from shutil import get_terminal_size
from textwrap import fill


def find_width() -> int | None:
    """Return how many columns the terminal has; None if the output goes elsewhere."""
    return get_terminal_size().columns if sys.stdout.isatty() else None


def wrap(text: str, width: int | None, indent: str = "") -> str:
    """Return a line broken at spaces into lines of a width, those after the first indented."""
    if width is None:
        return text
    return fill(text, width, subsequent_indent=indent, break_on_hyphens=False,
                break_long_words=False)  # fmt: skip


def format_list(entries: Mapping[str, str], width: int | None) -> str:
    """Return names with a line on each beside them, wrapped where a width is given."""
    column = max(map(len, entries), default=0) + 4
    return "\n".join(
        wrap(f"  {name}".ljust(column) + text, width, " " * column)
        for name, text in entries.items()
    )
