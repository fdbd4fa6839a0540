"""A study: an experiment run into a folder, and the tables and figures made of its blocks."""

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from itertools import chain
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from matplotlib.figure import Figure

from abm.experiment import Experiment, Simulation
from abm.experiment.experiment import BLOCK
from abm.experiment.points import Point
from abm.runs.folder import RunFolder
from analysis import Run, load, load_unfinished
from scenarios._common.errors import StoppedError
from scenarios._common.options import RunOptions, StudyParameters
from scenarios._common.terminal import say, show_progress


@contextmanager
def open_study(
    scenario: str, experiment: Experiment, parameters: dict[str, Any], options: RunOptions
) -> Iterator[RunFolder]:
    """Yield a folder that holds the experiment's blocks; `finished` if all else is there, too.

    Raises
    ------
    StoppedError
        If the user pressed Ctrl-C; the message gives the command that goes on.
    """
    given = ((f"--{name.replace('_', '-')}", str(value)) for name, value in parameters.items())
    command = shlex.join(["market-shock", "run", scenario, *chain(*given)])
    folder = RunFolder(
        options.out, scenario, parameters, experiment.described_points, command=command,
        code=experiment.code, resume=options.resume, verify=options.verify,
    )  # fmt: skip
    try:
        with folder:
            if folder.finished:
                blocks = len(folder.manifest.finished)
                say(f"{options.out} was finished: its {blocks} blocks and other files are whole")
            else:
                with show_progress() as watch:
                    experiment.run_blocks(folder, options.workers, watch)
            yield folder
    except KeyboardInterrupt:
        finished = len(folder.manifest.finished) if folder.entered else 0
        workers = ["--workers", options.workers] if options.workers != "1" else []
        again = shlex.join(["--out", options.out, *workers, "--resume"])
        raise StoppedError(
            f"{finished} blocks are finished and kept; go on with {command} {again}"
        ) from None


def run_comparison(
    scenario: str,
    points: Sequence[Point],
    parameters: StudyParameters,
    options: RunOptions,
    write: Callable[[RunFolder, Run], None],
    *,
    block: int = BLOCK,
) -> Run:
    """Run a study that compares makers at these points, as `run_study` does."""
    experiment = Experiment(
        points, Simulation(parameters.discount), replications=parameters.replications,
        periods=parameters.periods, seed=parameters.seed, block=block,
    )  # fmt: skip
    return run_study(scenario, experiment, parameters._asdict(), options, write)


def run_study(
    scenario: str,
    experiment: Experiment,
    parameters: dict[str, Any],
    options: RunOptions,
    write: Callable[[RunFolder, Run], None],
) -> Run:
    """Run a study, let `write` add its tables and figures, and return the whole log."""
    with open_study(scenario, experiment, parameters, options) as folder:
        if not folder.finished:
            experiment.summarise(folder)
            folder.complete_tables()
            write(folder, load_unfinished(folder.store.url))
    return load(options.out)


def write_tables(folder: RunFolder, tables: Mapping[str, pd.DataFrame]) -> None:
    """Write tables as NAME.csv."""
    for name, table in tables.items():
        folder.store.write(f"{name}.csv", table.to_csv(index=False).encode())


def write_figures(folder: RunFolder, figures: Mapping[str, Figure]) -> None:
    """Write figures as NAME.png."""
    for name, figure in figures.items():
        picture = BytesIO()
        figure.savefig(picture, dpi=150)
        folder.store.write(f"{name}.png", picture.getvalue())


def drop_maker(table: pa.Table, maker: str) -> pa.Table:
    """Return a table of a block without the rows of a maker."""
    rows = pc.fill_null(pc.equal(table["maker"].cast(pa.string()), maker), fill_value=False)
    return table.filter(pc.invert(rows))


def add_panels(table: pd.DataFrame, more: str = "") -> pd.DataFrame:
    """Return a table with a column `panel` that names the shock, and the column `more` if given."""
    panel = "σ = " + table["prior_sd"].map("{:g}".format)
    return table.assign(panel=panel + ", " + table[more] if more else panel)
