"""A study: points at which markets are simulated, and the tables and figures made of their logs."""

import shlex
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import Field, dataclass, fields
from functools import partial
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from abm.experiment import Experiment, Simulation
from abm.experiment.experiment import BLOCK
from abm.experiment.points import Point
from abm.runs.folder import RunFolder
from analysis import Run, load, load_unfinished
from analysis.canvas import FORMATS, encode_figure
from scenarios._common import options as option
from scenarios._common.errors import StoppedError
from scenarios._common.samples import describe_samples
from scenarios._common.terminal import say, show_progress

Tables = dict[str, pd.DataFrame]
Figures = dict[str, Figure]


@dataclass(frozen=True, kw_only=True)
class Study(ABC):
    """What a scenario is a subclass of: a frozen dataclass, whose fields are its command's options.

    Parameters
    ----------
    replications, periods, seed : int
        As those of an `Experiment`.
    discount : float
        As that of a `Simulation`.

    Examples
    --------
    >>> from scenarios.breakdown import Breakdown
    >>> Breakdown(makers="optimal", prior_sd="1,5").list_points()
    [{'makers': 'optimal', 'prior_sd': 1.0}, {'makers': 'optimal', 'prior_sd': 5.0}]
    >>> Breakdown(prior_sd="1,5", replications=1_000).make_experiment()
    Experiment(6 points in makers, prior_sd, 1000 markets, 100 periods, seed 0)
    """

    replications: option.Replications = BLOCK
    discount: option.Discount = 0.9
    seed: option.Seed = 0
    periods: option.Periods = 100

    @abstractmethod
    def list_points(self) -> list[Point]:
        """Return the points; ValueError or TypeError if an option has no meaning."""

    @abstractmethod
    def make_tables(self, log: Run) -> Tables:
        """Return the tables that the study leaves as NAME.csv."""

    def draw_figures(self, log: Run, tables: Tables) -> Figures:
        """Return the figures that the study leaves as NAME.png; none unless a study has some."""
        return {}

    @abstractmethod
    def show(self, tables: Tables) -> None:
        """Print what was found."""

    @property
    def block(self) -> int:
        """Replications that are simulated at once."""
        return BLOCK

    def make_simulation(self) -> Simulation:
        """Return how a block at a point is simulated, and what is kept of it."""
        return Simulation(self.discount)

    def make_experiment(self) -> Experiment:
        """Return the experiment that the study is made of."""
        return Experiment(
            self.list_points(), self.make_simulation(), replications=self.replications,
            periods=self.periods, seed=self.seed, block=self.block,
        )  # fmt: skip

    def write_theory(self, folder: RunFolder) -> None:  # noqa: B027, most studies have none
        """Write the Parquet tables that need no blocks; it is done while workers are at these.

        It is for what takes seconds: blocks that are finished meanwhile are noted after it.
        """

    def write_logs(self, folder: RunFolder, experiment: Experiment) -> None:
        """Write the Parquet tables that are made of the experiment's blocks."""
        experiment.summarise(folder)

    @classmethod
    def list_options(cls) -> list[Field[Any]]:
        """Return the options, those that every study has last."""
        return sorted(fields(cls), key=lambda field: field.name in Study.__dataclass_fields__)

    @property
    def parameters(self) -> dict[str, Any]:
        """The options that have a value; results depend on them."""
        given = {field.name: getattr(self, field.name) for field in self.list_options()}
        return {name: value for name, value in given.items() if value is not None}

    @property
    def name(self) -> str:
        """The name of the scenario, which is its module's."""
        return type(self).__module__.removeprefix("scenarios.").replace("_", "-")

    @property
    def command(self) -> str:
        """The command that repeats the study."""
        words = ["market-shock", "run", self.name]
        for name, value in self.parameters.items():
            words += [f"--{name.replace('_', '-')}", str(value)]
        return shlex.join(words)

    def run(
        self,
        out: option.Out,
        workers: option.Workers = "1",
        resume: option.Resume = False,
        verify: option.Verify = False,
        formats: option.Formats = "png",
    ) -> None:
        """Simulate, leave logs, tables and figures in a folder, and print what was found.

        Raises
        ------
        StoppedError
            If the user pressed Ctrl-C; the message gives the command that goes on.
        """
        kinds = option.parse_formats(formats)
        experiment, tables = self.make_experiment(), None
        folder = RunFolder(
            out, self.name, self.parameters, experiment.described_points,
            origins=experiment.origins, command=self.command, code=experiment.code, resume=resume,
            verify=verify,
        )  # fmt: skip
        with explain_stop(self.command, folder, out, workers, formats), folder:
            if folder.finished:
                say(describe_finished(folder, out, kinds))
            else:
                with show_progress() as watch:
                    experiment.run_blocks(
                        folder, workers, watch, partial(self.write_theory, folder)
                    )
                tables = self.write_results(folder, experiment, kinds)
        log = load(out)
        if tables is None:
            tables = self.make_tables(log)
        with explain_printing(out):
            self.show(tables)
            if doubt := describe_samples(log, tables, experiment.replications):
                say(doubt)
            say(f"All files are in {out}; market-shock report {out} makes a page of them")

    def write_results(
        self, folder: RunFolder, experiment: Experiment, kinds: Sequence[str]
    ) -> Tables:
        """Write logs, tables and figures, and return the tables."""
        self.write_logs(folder, experiment)
        folder.complete_tables()
        log = load_unfinished(folder.store.url)
        tables = self.make_tables(log)
        with folder.explain_errors():
            for name, table in tables.items():
                folder.store.write(f"{name}.csv", table.to_csv(index=False).encode())
        for name, figure in self.draw_figures(log, tables).items():
            for kind in kinds:
                content = encode_figure(figure, kind)
                with folder.explain_errors():
                    folder.store.write(f"{name}.{kind}", content)
            folder.interrupts.check()
        return tables


def describe_finished(folder: RunFolder, out: str, kinds: Sequence[str]) -> str:
    """Return that a run was finished before, and that its figures are of other kinds if so."""
    blocks = len(folder.manifest.finished)
    says = f"{out} was finished: its {blocks} blocks and other files are whole"
    drawn = {name.rpartition(".")[2] for name in folder.store.sizes()}.intersection(FORMATS)
    if drawn and not drawn.issuperset(kinds):
        says += (
            f"\nIts figures are {', '.join(sorted(drawn))} and are not drawn again: choose another "
            f"folder (--out), or draw by Run.plot"
        )
    return says


@contextmanager
def explain_printing(out: str) -> Iterator[None]:
    """Re-raise an OSError of the output as one that says where all that was computed is."""
    try:
        yield
    except OSError as error:
        raise OSError(
            f"the results cannot be printed ({error.strerror or error}), but the run is whole and "
            f"in {out}: market-shock report {out} makes a page of it"
        ) from error


@contextmanager
def explain_stop(
    command: str, folder: RunFolder, out: str, workers: str, formats: str
) -> Iterator[None]:
    """Raise a Ctrl-C as an error that gives the command that goes on."""
    try:
        yield
    except KeyboardInterrupt:
        kept = folder.manifest.status if folder.entered else "0 blocks are finished and kept"
        on_workers = ["--workers", workers] if workers != "1" else []
        in_formats = ["--format", formats] if formats != "png" else []
        again = shlex.join(["--out", out, *on_workers, *in_formats, "--resume"])
        raise StoppedError(f"{kept}; go on with {command} {again}") from None
