"""What all studies share: options of the command, and an experiment that fills a folder."""

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from itertools import chain
from typing import Annotated, Any, NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from matplotlib.figure import Figure
from typer import Option

from abm.experiment import Experiment
from abm.experiment.experiment import BLOCK, Markets
from abm.experiment.points import Point
from abm.participants.registry import MAKER_TYPES
from abm.runs.folder import RunFolder
from analysis import Run, load, load_unfinished
from scenarios._common.terminal import progress, say

Makers = Annotated[str, Option(help="Names, or module:Class, with commas.")]
Shocks = Annotated[str, Option(help="Sizes of the shock, with commas.")]
Replications = Annotated[int, Option(help="Markets a point; past a block, a multiple of it.")]
Discount = Annotated[float, Option(help="Per period, from 0 to below 1.")]
Seed = Annotated[int, Option(help="Of all random draws.")]
Periods = Annotated[int, Option(help="Traders who arrive in each market.")]
Out = Annotated[str, Option(help="Folder for what comes of it, or a URL.")]
Workers = Annotated[str, Option(help="How many processes, or a Dask scheduler: tcp://HOST:8786.")]
Resume = Annotated[bool, Option("--resume", help="Go on with what an earlier run left.")]
Verify = Annotated[bool, Option("--verify", help="With --resume, check every byte of it.")]


class StoppedError(RuntimeError):
    """The user stopped a run."""


class How(NamedTuple):
    """How a study is run, which its results do not depend on.

    Parameters
    ----------
    out : str
        Folder or URL.
    workers : str
        A number of processes, or the address of a Dask scheduler.
    resume, verify : bool
        Whether to go on with what is there, and to check every byte of it.
    """

    out: str
    workers: str = "1"
    resume: bool = False
    verify: bool = False


class Asked(NamedTuple):
    """What a study that compares makers is asked, which its results depend on.

    Parameters
    ----------
    makers, prior_sd : str
        With commas.
    replications : int
    discount : float
    seed, periods : int
    """

    makers: str
    prior_sd: str
    replications: int
    discount: float
    seed: int
    periods: int


@contextmanager
def study(
    scenario: str, experiment: Experiment, parameters: dict[str, Any], how: How
) -> Iterator[RunFolder]:
    """Yield a folder that holds the experiment's blocks; `finished` if it holds all the rest too.

    Raises
    ------
    StoppedError
        If the user pressed Ctrl-C.
    """
    options = ((f"--{name.replace('_', '-')}", str(value)) for name, value in parameters.items())
    command = shlex.join(["market-shock", "run", scenario, *chain(*options)])
    folder = RunFolder(
        how.out, scenario, parameters, experiment.described_points,
        command=command, code=experiment.code, resume=how.resume, verify=how.verify,
    )  # fmt: skip
    try:
        with folder:
            if folder.finished:
                whole = len(folder.manifest.finished)
                say(f"{how.out} was finished: its {whole} blocks and other files are whole")
            else:
                with progress() as watch:
                    experiment.fill(folder, how.workers, watch)
            yield folder
    except KeyboardInterrupt:
        finished = len(folder.manifest.finished) if folder.entered else 0
        workers = ["--workers", how.workers] if how.workers != "1" else []
        again = shlex.join(["--out", how.out, *workers, "--resume"])
        raise StoppedError(
            f"{finished} blocks are finished and kept; go on with {command} {again}"
        ) from None


def compared(
    scenario: str,
    points: Sequence[Point],
    asked: Asked,
    how: How,
    write: Callable[[RunFolder, Run], None],
    *,
    block: int = BLOCK,
) -> Run:
    """Run a study that compares makers at these points, as `carried_out` does."""
    experiment = Experiment(
        points, Markets(asked.discount), replications=asked.replications, periods=asked.periods,
        seed=asked.seed, block=block,
    )  # fmt: skip
    return carried_out(scenario, experiment, asked._asdict(), how, write)


def carried_out(
    scenario: str,
    experiment: Experiment,
    parameters: dict[str, Any],
    how: How,
    write: Callable[[RunFolder, Run], None],
) -> Run:
    """Run a study, let `write` add what it makes of the blocks, and return the whole log."""
    with study(scenario, experiment, parameters, how) as folder:
        if not folder.finished:
            experiment.summarise(folder)
            folder.complete_tables()
            write(folder, load_unfinished(folder.store.url))
    return load(how.out)


def write_tables(folder: RunFolder, tables: Mapping[str, pd.DataFrame]) -> None:
    """Write tables as text, by their names."""
    for name, table in tables.items():
        folder.store.write(f"{name}.csv", table.to_csv(index=False).encode())


def write_figures(folder: RunFolder, figures: Mapping[str, Figure]) -> None:
    """Write figures, by their names."""
    for name, figure in figures.items():
        picture = BytesIO()
        figure.savefig(picture, dpi=150)
        folder.store.write(f"{name}.png", picture.getvalue())


def contestants(makers: str, least: int = 1) -> list[str]:
    """Return the makers between the commas; results tell them apart by the names of their classes.

    Raises
    ------
    ValueError, TypeError
        If they are fewer than `least`, one is unknown, or two that differ have one name.
    """
    chosen = words(makers)
    if len(chosen) < least:
        raise ValueError(f"makers is {makers!r}, but {least} are to meet: give as optimal,myopic")
    said: dict[str, str] = {}
    for word in chosen:
        first = said.setdefault(MAKER_TYPES.find(word).name, word)
        if first != word:
            raise ValueError(
                f"makers is {makers!r}, where {first} and {word} both have the name "
                f"{MAKER_TYPES.find(word).name!r}: give one class another, or leave one out"
            )
    return chosen


def without(table: pa.Table, maker: str) -> pa.Table:
    """Return a table of a block without the rows of a maker, as one who only looked on."""
    hers = pc.fill_null(pc.equal(table["maker"].cast(pa.string()), maker), fill_value=False)
    return table.filter(pc.invert(hers))


def by_shock(table: pd.DataFrame, more: str = "") -> pd.DataFrame:
    """Return a table with a column `panel` for its shocks, and for the column `more`."""
    panel = "σ = " + table["prior_sd"].map("{:g}".format)
    return table.assign(panel=panel + ", " + table[more] if more else panel)


def words(text: str) -> list[str]:
    """Return what stands between the commas."""
    return [word.strip() for word in text.split(",")]


def numbers(name: str, text: str) -> list[float]:
    """Return the numbers between the commas of an option."""
    try:
        return [float(word) for word in words(text)]
    except ValueError:
        raise ValueError(
            f"{name} is {text!r}, but must be numbers: give as 1 or as 1,3,5"
        ) from None
