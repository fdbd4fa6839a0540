"""What a notebook shows of a run: what matters of it, and its first figure, small."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO
from typing import TYPE_CHECKING

from abm.numerics.describe import list_some, make_html, show_count
from analysis.files import LogError

if TYPE_CHECKING:
    from analysis.load import Run

SIZES = ("replications", "periods")
THUMBNAIL = 240  # pixels: the width of the figure
SHARPER = 2  # pixels of the file to one that is shown


def describe_run(run: Run) -> dict[str, str]:
    """Return what matters of a run, by name."""
    differ = list_some(run.varying_parameters)
    points = show_count(len(run.points), "point") + (f" in {differ}" if differ else "")
    described = {"points": points, "tables": f"tables {list_some(run.tables)}"}
    sizes = {name: f"{run.parameters[name]} {name}" for name in SIZES if name in run.parameters}
    return sizes | described


def make_run_html(run: Run) -> str:
    """Return a run as a small table of HTML."""
    rows = describe_run(run) | {"folder": str(run.folder), "command": run.command}
    return make_html(f"Run of {run.scenario}", rows, _make_thumbnail(run))


def _make_thumbnail(run: Run) -> str:
    """Return the first figure of a run as HTML; empty if it left none that can be read."""
    from PIL import Image

    picture = next((file for file in run.files if file.endswith(".png")), None)
    try:
        image = Image.open(BytesIO(b"" if picture is None else run.content(picture)))
        image.thumbnail((SHARPER * THUMBNAIL, SHARPER * THUMBNAIL))
    except (LogError, OSError):  # OSError: what it holds is no picture
        return ""
    small = BytesIO()
    image.save(small, "png")
    source = f"data:image/png;base64,{b64encode(small.getvalue()).decode()}"
    return f"<img src='{source}' width='{THUMBNAIL}'>"
