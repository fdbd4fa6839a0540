"""What is printed, made fit for where it goes: a terminal obeys some characters, others it lacks.

Names, parameters and errors come from files, too, and a file may be a stranger's. So characters
that a terminal would obey are shown as Python writes them, and so are those that an output stream
has no code for, unless there is a common spelling. Imports little, for the command starts with it.
"""

import codecs
import os
import re
import sys
from io import TextIOWrapper
from pathlib import Path

OBEYED = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters, but for tabs and the ends of lines
    r"\u200e\u200f\u2028-\u202e\u2066-\u2069"  # turn the direction of text, or end lines
    r"\ud800-\udfff]"  # bytes of a file's name that are no text
)
SPELLINGS = {"±": "+-", "σ": "sigma", "…": "..."}
SPELT = "market-shock.spelt"  # how streams treat what they have no code for


def escape_controls(text: str) -> str:
    r"""Return a text in which what a terminal would obey is written as Python writes it.

    Examples
    --------
    >>> print(escape_controls("a folder named \x1b[31mred"))
    a folder named \x1b[31mred
    """
    return OBEYED.sub(lambda match: _escape(match[0]), text)


def print_any_text() -> None:
    """Let the standard streams print any text, whatever their encoding; closed ones drop it."""
    codecs.register_error(SPELT, _spell)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115, open to the end
        elif isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors=SPELT)


def _spell(error: UnicodeError) -> tuple[str, int]:
    """Return how characters are spelt that an encoding lacks, and where the text goes on."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(SPELLINGS.get(letter) or _escape(letter) for letter in lacking), error.end


def _escape(text: str) -> str:
    return text.encode("unicode_escape").decode("ascii")
