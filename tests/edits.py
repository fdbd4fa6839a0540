"""Show that no folder makes a run fail badly: edit folders at random, and use what is left.

    uv run python tests/edits.py                       # 2,000 edits
    uv run python tests/edits.py --edits 200 --seed 1

Each edit is made in a copy of a run, finished or not: to its description, its manifest, its files
or what is beside it, some of them as a stranger would who wants files elsewhere read, written or
removed. Then the copy is loaded, compared, sometimes reported on, and resumed, without and with
`--verify`. Every outcome must be right: after `--verify` the bytes of a run that nobody edited, and
without it too but for bytes that were turned within a file, or an error of the kinds that the
command prints, in one line. A folder beside the run is watched.
"""

import argparse
import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from importlib.metadata import version
from pathlib import Path
from random import Random
from shutil import copytree, rmtree
from tempfile import TemporaryDirectory
from typing import NamedTuple
from unittest.mock import patch

from matplotlib.figure import Figure

from abm.experiment import Experiment, grid
from abm.runs.errors import DamageWarning
from abm.runs.folder import RunFolder
from abm.runs.names import BOOKKEEPING
from analysis import Run, load
from analysis.canvas import encode_figure
from analysis.compare import compare
from analysis.report import report
from tests.files import read_files
from tests.strangers import EDITS, PRECIOUS
from tests.tally import print_tally

KINDS = (ValueError, TypeError, OSError, RuntimeError)  # of errors that the command prints
STUDY = Experiment(
    grid(makers=["zero-profit", "myopic"], prior_sd=[1.0, 2.0]),
    replications=20,
    block=10,
    periods=3,
)
UNSEEN = {"edit bytes", "swap files"}  # where sizes and footers may be as they were
COMPARED, REPORTED = 0.25, 0.02  # shares of edits after which a run that loads is used, slowly
PICTURE = encode_figure(Figure(figsize=(1, 1)), "png")


class Outcome(NamedTuple):
    """What came of an edit, and what is wrong with that."""

    edit: str
    use: str
    ended: str
    wrong: str

    @property
    def ending(self) -> str:
        return f"times {self.use} ended {self.ended}"

    @property
    def subject(self) -> str:
        return f"{self.use} after {self.edit!r}"


def run(out: Path, *, resume: bool = False, verify: bool = False, stop: bool = False) -> bool:
    """Run or resume the study; return whether it was finished before."""
    with RunFolder(
        out, "edited", STUDY.parameters, STUDY.described_points, origins=STUDY.origins,
        code=STUDY.code, resume=resume, verify=verify,
    ) as folder:  # fmt: skip
        if folder.finished:
            return True
        STUDY.run_blocks(folder)
        if stop:
            raise KeyboardInterrupt
        STUDY.summarise(folder)
        folder.store.write("figure.png", PICTURE)
    return False


class Bench:
    """Runs to edit copies of, and a folder beside them that must stay as it is."""

    def __init__(self, root: Path, seed: int, reported: float) -> None:
        self._root, self._seed, self._reported = root, seed, reported
        for state, stop in (("finished", False), ("unfinished", True)):
            try:
                run(root / state / "run", stop=stop)
            except KeyboardInterrupt:
                last = sorted((root / state / ".run.partial" / "blocks").iterdir())[-1]
                last.unlink()
        replace(STUDY, seed=STUDY.seed + 1).run(root / "other")
        (root / "victim").mkdir()
        (root / "victim" / "precious.parquet").write_bytes(PRECIOUS)
        (root / "victim" / "secret.png").write_bytes(PICTURE)
        self._victim = read_files(root / "victim")
        self._whole = load(root / "finished" / "run")
        self._expected = read_files(root / "finished" / "run")

    def try_edit(self, number: int) -> Iterator[Outcome]:
        """Make an edit, and yield what each use of the folder comes to."""
        chance = Random(f"{self._seed} {number}")
        place = self._root / "place" / "here"
        copytree(self._root / chance.choice(["finished", "unfinished"]), place)
        name, edit = chance.choice(list(EDITS.items()))
        edit(place, chance)
        planted = [path for path in place.rglob("*") if path.is_file() and not path.is_symlink()]
        precious = [path for path in planted if path.read_bytes() == PRECIOUS]
        for use, ended in self._use(place / "run", chance, seen=name not in UNSEEN):
            wrong = judge(ended)
            if read_files(self._root / "victim") != self._victim:
                wrong = "the folder beside it was changed"
            if not all(path.exists() and path.read_bytes() == PRECIOUS for path in precious):
                wrong = "a file that no run wrote is gone"
            yield Outcome(name, use, describe(ended), wrong and f"{wrong} (edit {number})")
        rmtree(self._root / "place")

    def _use(self, out: Path, chance: Random, *, seen: bool) -> Iterator[tuple[str, object]]:
        loaded = attempt(lambda: read_all(load(out)))
        yield "load", loaded
        if loaded is not True or chance.random() < COMPARED:
            yield "compare", attempt(lambda: bool(len(compare(self._whole, load(out)).results)))
        if chance.random() < self._reported:
            yield "report", attempt(lambda: bool(report(load(out))))
        yield "resume", attempt(lambda: self._resume(out) or not seen)
        yield "verify", attempt(lambda: self._verify(out))

    def _resume(self, out: Path) -> bool:
        run(out, resume=True)
        left, expected = (
            {name: content for name, content in files.items() if name not in BOOKKEEPING}
            for files in (read_files(out), self._expected)
        )
        return left == expected

    def _verify(self, out: Path) -> bool:
        run(out, resume=True, verify=True)
        beside = {path.name for path in out.parent.iterdir()} - {"copy", "moved", "run"}
        return read_files(out) == self._expected and not beside


def read_all(run: Run) -> bool:
    """Read every table and every other file of a run."""
    for table in run.tables:
        run.table(table)
    for file in run.files:
        run.content(file)
    return True


def attempt(use: Callable[[], bool]) -> object:
    """Return what a use of a folder returns, or the exception that it raises."""
    try:
        return use()
    except BaseException as error:
        return error


def judge(ended: object) -> str:
    """Return what is wrong with an outcome."""
    if isinstance(ended, Exception):
        if not isinstance(ended, KINDS):
            return f"{type(ended).__name__}: {ended}"
        return f"in several lines: {ended}" if "\n" in str(ended) or not str(ended) else ""
    if isinstance(ended, BaseException):
        return f"{type(ended).__name__}: {ended}"
    return "" if ended else "the bytes are not those of a run that nobody edited"


def describe(ended: object) -> str:
    """Return how a use ended, in a word or two."""
    return f"in {type(ended).__name__}" if isinstance(ended, BaseException) else "well"


def try_edits(
    edits: int, seed: int, folder: Path, *, reported: float = REPORTED
) -> Iterator[Outcome]:
    """Yield the outcomes of so many edits, with reports after this share of them."""
    known = cache(version)  # which is slow, and always the same
    with (
        warnings.catch_warnings(),
        patch("abm.runs.description.version", known),
        patch("os.fsync", lambda _: None),
    ):
        warnings.simplefilter("ignore", DamageWarning)
        bench = Bench(folder, seed, reported)
        for number in range(edits):
            yield from bench.try_edit(number)


def main() -> None:
    """Try, print how often each use ended how, and what was wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--edits", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with TemporaryDirectory() as folder:
        outcomes = list(try_edits(given.edits, given.seed, Path(os.path.realpath(folder))))
    print_tally(outcomes)


if __name__ == "__main__":
    main()
