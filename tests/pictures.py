"""Pictures in place of figures, for tests that are about something else."""

import io

from matplotlib.figure import Figure
from PIL import Image

from analysis.canvas import encode_figure


def draw_coarsely(figure: Figure, kind: str) -> bytes:
    """Return a small picture of a figure, whose panels stay where they are."""
    figure.set_layout_engine("none")
    return encode_figure(figure, kind, dpi=40)


def draw_nothing(*_: object) -> bytes:
    """Return a picture of one point in place of a figure: what figures show is tested elsewhere."""
    file = io.BytesIO()
    Image.new("L", (1, 1)).save(file, "png")
    return file.getvalue()
