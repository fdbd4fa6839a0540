"""How values describe themselves: in a line of text, and in a small table of HTML.

The line is what `repr` gives, at most LONGEST characters whatever the number of replications.
"""

from collections.abc import Iterable, Mapping
from html import escape

import numpy as np
from numpy.typing import ArrayLike

from abm.numerics.moments import mean_of

LONGEST = 200  # characters of a line
LONGEST_VALUE = 120  # characters of a value in an error message
MOST = 4  # of a list that are named one by one
WIDTH, HEIGHT = 180, 48  # of a thumbnail, in pixels


def describe(kind: object, *parts: str, over: int = 1) -> str:
    """Return a line "Kind(part, part; means over 50 markets)" for an instance of a class.

    Parameters
    ----------
    kind : object
        The instance.
    *parts : str
        What matters of it, without what is empty.
    over : int
        The number of replications over which numbers in it are means.
    """
    text = ", ".join(filter(None, parts))
    text += f"; means over {over} markets" if over > 1 else ""
    name = type(kind).__name__
    room = LONGEST - len(name) - len("()")
    return f"{name}({text if len(text) <= room else text[: room - 3] + '...'})"


def show_mean(numbers: ArrayLike) -> str:
    """Return an array over the replications as one number: the mean of what is finite in it."""
    array = np.asarray(numbers, np.float64)
    if not np.isfinite(array).any():
        return f"{array.flat[0]:g}" if array.size else "none"
    return f"{mean_of(np.where(np.isfinite(array), array, np.nan)):.4g}"


def show_span(numbers: ArrayLike) -> str:
    """Return an array over the replications as one number if all are alike, else as a range."""
    low, high = np.min(numbers), np.max(numbers)
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def count_replications(*arrays: ArrayLike) -> int:
    """Return the number of replications that arrays have together."""
    return int(np.broadcast(*arrays).size)


def show_value(value: object) -> str:
    """Return what an error message shows of a value: its repr, shortened, or else its type.

    Examples
    --------
    >>> show_value("wide"), show_value(10**400)[:6]
    ("'wide'", '100000')
    """
    try:
        text = repr(value)
    except Exception:  # as of an int of more than 4,300 digits
        return f"something of type {type(value).__name__} that cannot be shown"
    text = " ".join(text.split())
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 3]}..."


def show_plainly(value: object) -> str:
    """Return a value as text; as its repr, shortened, where that would not be one plain line."""
    text = str(value)
    return text if text.isprintable() else show_value(value)


def show_count(count: int, noun: str) -> str:
    """Return "1 market" or "2 markets"."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def list_some(names: Iterable[object]) -> str:
    """Return names separated by commas; of many the first, and how many more there are."""
    listed = list(map(str, names))
    more = f" and {len(listed) - MOST} more" if len(listed) > MOST + 1 else ""
    return ", ".join(listed[:MOST] if more else listed) + more


def make_html(title: str, rows: Mapping[str, object], picture: str = "") -> str:
    """Return a small table of HTML: a title, named values, and a thumbnail beside them."""
    lines = "".join(
        f"<tr><th style='text-align:left'>{escape(name)}</th>"
        f"<td style='text-align:left'>{escape(str(value))}</td></tr>"
        for name, value in rows.items()
    )
    cell = f"<td rowspan='{len(rows) + 1}'>{picture}</td>" if picture else ""
    return f"<table><tr><th colspan='2'>{escape(title)}</th>{cell}</tr>{lines}</table>"


def draw_thumbnail(numbers: ArrayLike, title: str) -> str:
    """Return an SVG of a line through numbers, evenly spaced; empty if fewer than two are finite.

    Parameters
    ----------
    numbers : array_like
        Those that are not finite are left out.
    title : str
        What the line is, for a reader who points at it.
    """
    y = np.asarray(numbers, np.float64)
    x = np.flatnonzero(np.isfinite(y))
    if len(x) < 2:
        return ""
    x, y = x[:: -(-len(x) // WIDTH)], y[x[:: -(-len(x) // WIDTH)]]
    across = (WIDTH - 4) * x / x[-1] + 2
    up = (HEIGHT - 4) * (1.0 - (y - y.min()) / (np.ptp(y) or 1.0)) + 2
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(across, up, strict=True))
    return (
        f"<svg width='{WIDTH}' height='{HEIGHT}' xmlns='http://www.w3.org/2000/svg'>"
        f"<title>{escape(title)}</title>"
        f"<polyline points='{points}' fill='none' stroke='#005a9c' stroke-width='1.5'/></svg>"
    )
