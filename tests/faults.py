"""Show that the tests can fail: small faults, each made in a copy of the project and tried there.

    uv run python tests/faults.py                               # all, in some minutes on two cores
    uv run python tests/faults.py "ends of a fraction swapped"  # those that are named

A fault is tried against the test files that import the changed module, itself or a name defined in
it (as `from abm import Exchange`, which is of abm.exchange.model), and those of its wing; if none
imports it, against all that import from its package. The file named after the module comes first
and runs by itself, then the others together, its wing's first; pytest stops at the first failure.
A fault that no test has caught within LIMIT seconds a run is not caught.

The control comes last, and is cheap: all tests that caught a fault are run once in a copy without
any, and a fault whose test fails there too is not caught either.
"""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from shutil import copy, copytree
from tempfile import TemporaryDirectory
from time import perf_counter
from types import ModuleType

ROOT = Path(__file__).parents[1]
PACKAGES = ("abm", "analysis", "scenarios")
COPIED = (*PACKAGES, ".ci", "tests", "pyproject.toml", "README.md")
LIMIT = 300.0
PYTEST = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=no", "--color=no", "-rfE", "-m", "")
FAILURE = re.compile(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", re.MULTILINE)


@dataclass(frozen=True)
class Fault:
    """A line of code made wrong: in a file, `old` is replaced, which is there exactly once."""

    name: str
    file: str
    old: str
    new: str

    @property
    def module(self) -> str:
        return self.file.removesuffix(".py").replace("/", ".")

    def change(self, root: Path) -> str:
        """Return the text of the file in this folder with the fault in it."""
        text = (root / self.file).read_text()
        if text.count(self.old) != 1:
            sys.exit(
                f"fault {self.name!r}: {self.file} has {self.old!r} {text.count(self.old)} times, "
                f"but must have it once: the code has changed: mend this fault"
            )
        return text.replace(self.old, self.new)


FAULTS = (
    Fault("golden section keeps the wrong end", "abm/numerics/golden_section.py",
          "np.where(lower, right, high)\n", "np.where(lower, left, high)\n"),
    Fault("t quantile of .95 in place of .975", "abm/numerics/intervals.py",
          "stdtrit(freedom, 0.5 + np.asarray(confidence) / 2)",
          "stdtrit(freedom, np.asarray(confidence))"),
    Fault("ends of a fraction swapped", "abm/numerics/intervals.py",
          "    return low, high\n", "    return high, low\n"),
    Fault("variance over n", "abm/numerics/moments.py",
          "freedom = np.where(self.count > 1, self.count - 1.0, np.nan)",
          "freedom = np.where(self.count > 1, self.count, np.nan)"),
    Fault("variance between blocks not pooled", "abm/numerics/moments.py",
          " + self._weigh(group, groups, gap * gap)\n", "\n"),
    Fault("truncated normal's variance", "abm/numerics/passes.py",
          "(near - far * (1 + drop))", "(near - far * drop)"),
    Fault("cubic between nodes lacks a term", "abm/numerics/piecewise_cubic.py",
          "c3 * (a * b + a * c + b * c)", "c3 * (a * b + a * c)"),
    Fault("a valuation at the ask buys", "abm/numerics/passes.py",
          "valuation > ask, valuation < bid", "valuation >= ask, valuation < bid"),
    Fault("a buy teaches the bid", "abm/numerics/passes.py",
          "bid.ravel(), ask.ravel(), np.inf", "bid.ravel(), bid.ravel(), np.inf"),
    Fault("distance without the mass beyond the window", "abm/beliefs/distance.py",
          "return 0.5 * (inside + 1 - normal.sum(axis=-1))", "return 0.5 * inside"),
    Fault("Newton's step in place of Halley's", "abm/one_period/depths.py",
          " - 0.5 * error * curvature", ""),
    Fault("a buy leaves no doubt but the noise's", "abm/bellman/stage.py",
          "share_left * (blur + followed * left)", "share_left * blur"),
    Fault("bound discounted from period 1", "abm/bellman/bounds.py",
          "(discount**later * profit)", "(discount ** (later + 1) * profit)"),
    Fault("trials die out a period early", "abm/makers/q_learning.py",
          "exp(-self.decay * self.period)", "exp(-self.decay * (self.period + 1))"),
    Fault("noise of a trader ignored", "abm/traders/noisy.py",
          "model.terms.noise_sd if noise_sd is None else noise_sd", "model.terms.noise_sd"),
    Fault("a sale adds to the inventory", "abm/participants/maker.py",
          "self.inventory - quantity", "self.inventory + quantity"),
    Fault("sales elsewhere are seen", "abm/numerics/passes.py",
          "((side > 0) & ~at_ask) | ((side < 0) & ~at_bid)", "(side > 0) & ~at_ask"),
    Fault("sales go to whoever has the best ask", "abm/exchange/matching.py",
          "(sells & (bids == inside.bid))", "(sells & (asks == inside.ask))"),
    Fault("traders draw from the value's stream", "abm/exchange/model.py",
          "self.draws[Role.TRADER]", "self.draws[Role.VALUE]"),
    Fault("number of the block ignored", "abm/exchange/model.py",
          "Streams(seed, block, ", "Streams(seed, 0, "),
    Fault("names of makers in alphabetical order", "abm/exchange/totals.py",
          "from_codes(codes, labels)", "from_codes(codes, labels.sort_values())"),
    Fault("learnt at the threshold already", "abm/runs/folds.py",
          "self.learning = self.learning & ~(sample < LEARNT * self.noise_sd)",
          "self.learning = self.learning & ~(sample <= LEARNT * self.noise_sd)"),
    Fault("surplus taken on the bid", "abm/runs/metrics.py",
          "find_surplus(period.side, period.valuation, period.price)",
          "find_surplus(period.side, period.valuation, period.bid)"),
    Fault("last line of the manifest passed over", "abm/runs/manifest.py",
          'self._lines = store.read(MANIFEST_FILE).split(b"\\n")',
          'self._lines = store.read(MANIFEST_FILE).split(b"\\n")[:-2]'),
    Fault("a file that has grown passes", "abm/runs/integrity.py",
          "if size != stamp.size:", "if size < stamp.size:"),
    Fault("last block never scheduled", "abm/experiment/schedule.py",
          "2 * blocks, self.most)", "2 * blocks, self.most - 1)"),
    Fault("arguments of partials not in the fingerprint", "abm/experiment/fingerprint.py",
          "[value.func, *value.args, value.keywords]", "[value.func, *value.args]"),
    Fault("cash of makers not checked", "abm/testing/rules.py",
          "~(np.isclose(trail.inventory, -sold) & np.isclose(trail.cash, paid))",
          "~np.isclose(trail.inventory, -sold)"),
    Fault("differences of rows as they come", "analysis/metrics.py",
          "(firsts - seconds).rename(", "(firsts - seconds.to_numpy()).rename("),
    Fault("median of an even number is the upper one", "analysis/precision.py",
          "ordered[[(size - 1) // 2, size // 2]]", "ordered[[size // 2, size // 2]]"),
)  # fmt: skip


def find_imports(file: Path) -> set[str]:
    """Return the modules that a file imports, and those where what it imports is defined."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PACKAGES):
            found |= {str(node.module)}
            found |= {find_origin(str(node.module), alias.name) for alias in node.names}
    return found


def find_origin(module: str, name: str) -> str:
    """Return where `from module import name` finds what the name stands for."""
    try:
        member = getattr(import_module(module), name, None)
    except ModuleNotFoundError as error:  # of a library that is not installed
        if str(error.name).startswith(PACKAGES):
            raise
        return module
    if member is None or isinstance(member, ModuleType):
        return f"{module}.{name}"
    return str(getattr(member, "__module__", module))


@cache
def list_imports() -> dict[Path, set[str]]:
    files = sorted((ROOT / "tests").glob("*/test_*.py"))
    return {file: find_imports(file) for file in files if file.parent.name != "benchmarks"}


def choose_tests(module: str) -> list[str]:
    """Return the test files for a module, in the order in which they are tried."""
    package, _, own = module.rpartition(".")
    wing = package.removeprefix("abm.").split(".")[0]
    direct = {file for file, names in list_imports().items() if module in names}
    near = {
        file for file, names in list_imports().items()
        if any(f"{name}.".startswith(f"{package}.") for name in names)
    }  # fmt: skip
    chosen = direct | {file for file in near if file.parent.name == wing or not direct}
    order = sorted(
        chosen,
        key=lambda file: (
            file.stem != f"test_{own}", file.parent.name != wing, file not in direct, file
        ),
    )  # fmt: skip
    return [str(file.relative_to(ROOT)) for file in order]


def run_tests(fault: Fault | None, tests: Sequence[str]) -> list[str]:
    """Run tests in a copy with this fault, until one fails, or without; return which failed."""
    with TemporaryDirectory() as temporary:
        folder = Path(temporary).resolve()
        for name in COPIED:
            if (ROOT / name).is_dir():
                copytree(ROOT / name, folder / name)
            else:
                copy(ROOT / name, folder / name)
        if fault:
            (folder / fault.file).write_text(fault.change(folder))
        environment = os.environ | {"PYTHONPATH": str(folder)}
        where = [sys.executable, "-P", "-c", "import abm; print(abm.__file__)"]
        imported = subprocess.check_output(where, cwd=folder, env=environment, text=True)
        if not Path(imported.strip()).is_relative_to(folder):
            sys.exit(f"tests would import {imported.strip()}, but must import the copy in {folder}")
        command = [sys.executable, *PYTEST, *(["-x"] if fault else []), *tests]
        with (folder / "log").open("w+") as log:
            try:
                status = subprocess.run(
                    command, cwd=folder, env=environment, stdout=log, stderr=log, timeout=LIMIT
                ).returncode
            except subprocess.TimeoutExpired:
                return []
            log.seek(0)
            said = log.read()
    failed = FAILURE.findall(said)
    if status and not failed:
        sys.exit(f"pytest stopped with status {status}:\n{said}")
    return failed


def try_fault(fault: Fault) -> tuple[Fault, str, float]:
    """Return a fault, the test that caught it ("" if none did), and the seconds that took."""
    start = perf_counter()
    first, *others = choose_tests(fault.module)
    failed = run_tests(fault, [first]) or (run_tests(fault, others) if others else [])
    return fault, failed[0] if failed else "", perf_counter() - start


def main(names: Sequence[str]) -> None:
    """Try these faults, or all."""
    known = {fault.name: fault for fault in FAULTS}
    if unknown := [name for name in names if name not in known]:
        sys.exit(f"no fault is named {unknown[0]!r}: give of {', '.join(map(repr, known))}")
    chosen = [known[name] for name in names] or list(FAULTS)
    for fault in chosen:
        fault.change(ROOT)
    start = perf_counter()
    list_imports()
    caught: dict[str, str] = {}
    with ThreadPoolExecutor(2) as pool:
        for fault, test, seconds in pool.map(try_fault, chosen):
            result = f"caught by {test}" if test else "NOT CAUGHT"
            print(f"{fault.name}: {result}, {seconds:.0f} s", flush=True)
            caught |= {fault.name: test} if test else {}
    wrong = set(run_tests(None, sorted(set(caught.values())))) if caught else set()
    for name in [name for name, test in caught.items() if test in wrong]:
        print(f"{name}: NOT CAUGHT, for {caught.pop(name)} fails without it")
    minutes = (perf_counter() - start) / 60
    print(f"{len(caught)} of {len(chosen)} faults caught, in {minutes:.1f} minutes")
    sys.exit(len(caught) < len(chosen))


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main(sys.argv[1:])
