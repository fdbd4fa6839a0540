"""Fingerprints: a run is resumed, and worked at, only with the code and arguments that began it."""

import shutil
import sys
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module, invalidate_caches
from pathlib import Path
from threading import Lock
from typing import Any

import pytest
from joblib.externals.loky import get_reusable_executor
from scipy import stats

import abm
from abm import FixedSpread, GaussianBelief, Myopic, NoisyTrader
from abm.experiment import Experiment, Simulation
from abm.experiment.blocks import simulate_block
from abm.experiment.fingerprint import fingerprint, hash_package
from abm.experiment.points import Point
from abm.experiment.runner import BlocksFailedError
from abm.experiment.simulation import BlockTask
from abm.runs import description
from abm.runs.description import read_versions
from abm.runs.errors import FolderTakenError
from abm.runs.manifest import Failed, Finished
from abm.runs.store import Store

SOURCES = {
    "own_maker": """
from abm import FixedSpread

class Wide(FixedSpread):
    name = "wide"

    def __init__(self, model, *, half_spread=2.0):
        super().__init__(model, half_spread=half_spread)
""",
    "own_trader": """
from abm import NoisyTrader

class Hasty(NoisyTrader):
    name = "hasty"
""",
    "own_noise": """
from dataclasses import dataclass
from scipy import stats
from scipy.stats import rv_continuous

@dataclass(frozen=True)
class Coarse:
    scale: float = 2.0

    def cdf(self, x):
        return stats.norm.cdf(x, scale=self.scale)

    def sf(self, x):
        return stats.norm.sf(x, scale=self.scale)

    def ppf(self, p):
        return stats.norm.ppf(p, scale=self.scale)

    def std(self):
        return self.scale

class Frozen(rv_continuous):
    def _cdf(self, x):
        return stats.norm.cdf(x)
""",
    "own_memory": """
from abm import FixedSpread

SEEN = {}

class Remembering(FixedSpread):
    name = "remembering"

    def quote(self):
        SEEN[len(SEEN)] = 1
        return super().quote()
""",
    "own_point": """
def hold_rivals(point, discount, *, maker="zero-profit"):
    return {"makers": [maker] * point["rivals"]}
""",
}


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:
    """Return a function that writes and imports a module of the user's."""
    monkeypatch.syspath_prepend(tmp_path)
    for name, source in SOURCES.items():
        (tmp_path / f"{name}.py").write_text(source)
    yield import_module
    for name in SOURCES:
        sys.modules.pop(name, None)


EDITS = {
    "own_maker": ("half_spread=2.0", "half_spread=2.5"),
    "own_trader": ('name = "hasty"', 'name, patience = "hasty", 2'),
    "own_noise": ("return self.scale", "return 2 * self.scale"),
    "own_point": ('[maker] * point["rivals"]', '["optimal"] * point["rivals"]'),
}


def edit(module: str, old: str, new: str) -> None:
    """Change a module of the user's, as between a run and its resumption by another process."""
    file = Path(str(sys.modules.pop(module).__file__))
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    shutil.rmtree(
        file.parent / "__pycache__", ignore_errors=True
    )  # files may be as old and as long
    invalidate_caches()


class HiddenLock:
    """Cannot be taken apart, though it describes itself."""

    def __init__(self) -> None:
        self.lock = Lock()

    def __repr__(self) -> str:
        return "HiddenLock()"


class Locked(FixedSpread):
    name = "locked"

    def __init__(self, model: Any, *, lock: HiddenLock) -> None:
        super().__init__(model, half_spread=1.0)
        self.lock = lock


SIZE: dict[str, Any] = {"replications": 10, "periods": 3}

Choice = tuple[str, str, Point, Simulation]


def name_maker(own: Any) -> Choice:
    return "own_maker", "Wide", {"makers": own("own_maker").Wide}, Simulation()


def place_maker(_: Any) -> Choice:
    return "own_maker", "Wide", {"makers": ["myopic", "own_maker:Wide"]}, Simulation()


def bind_maker(own: Any) -> Choice:
    maker = partial(own("own_maker").Wide, half_spread=1.0)
    return "own_maker", "Wide", {"makers": maker}, Simulation()


def name_trader(own: Any) -> Choice:
    point = {"makers": "myopic", "traders": own("own_trader").Hasty}
    return "own_trader", "Hasty", point, Simulation()


def bind_trader(own: Any) -> Choice:
    trader = partial(own("own_trader").Hasty, noise_sd=2.0)
    return "own_trader", "Hasty", {"makers": "myopic", "traders": [trader]}, Simulation()


def give_noise(own: Any) -> Choice:
    trader = partial(NoisyTrader, noise=own("own_noise").Coarse())
    return "own_noise", "Coarse", {"makers": "fixed-spread", "traders": trader}, Simulation()


def give_function(own: Any) -> Choice:
    simulation = Simulation(exchange_of=partial(own("own_point").hold_rivals, maker="myopic"))
    return "own_point", "hold_rivals", {"rivals": 2}, simulation


WAYS = [
    name_maker, place_maker, bind_maker, name_trader, bind_trader, give_noise, give_function,
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_a_run_is_not_resumed_after_code_that_its_points_name_was_edited(
    way: Callable[[Any], Choice], own: Callable[[str], Any], tmp_path: Path
) -> None:
    module, name, point, simulation = way(own)
    Experiment([point], simulation, **SIZE).run(tmp_path / "run")
    edit(module, "\n", "\n# a comment\n")
    _, _, point, simulation = way(own)
    Experiment([point], simulation, **SIZE).run(tmp_path / "run", resume=True)
    edit(module, *EDITS[module])
    _, _, point, simulation = way(own)
    with pytest.raises(FolderTakenError, match=rf"code of {module}:{name} is \w+ there"):
        Experiment([point], simulation, **SIZE).run(tmp_path / "run", resume=True)


@pytest.mark.parametrize(
    "point",
    [
        {"makers": ["optimal", FixedSpread], "traders": "noisy"},
        {"makers": Myopic},
        {"makers": "myopic", "traders": NoisyTrader},
    ],
)
def test_code_of_this_package_and_of_libraries_is_told_as_a_whole(point: Point) -> None:
    assert list(fingerprint([point])) == ["code of abm"]


def test_arguments_are_told_beside_the_code() -> None:
    noise = partial(NoisyTrader, noise=stats.laplace(scale=0.7))
    maker = partial(Myopic, belief=GaussianBelief(0.0, 1.0))
    named = [
        "code of abm", "arguments of abm.makers.myopic:Myopic",
        "arguments of abm.traders.noisy:NoisyTrader",
    ]  # fmt: skip
    before = fingerprint([{"makers": maker, "traders": noise}])
    assert list(before) == named
    wider = partial(NoisyTrader, noise=stats.laplace(scale=0.8))
    after = fingerprint([{"makers": maker, "traders": wider}])
    assert [name for name in named if before[name] != after[name]] == named[2:]


@pytest.mark.parametrize("file", ["makers/myopic.py", "numerics/moments.py"])
def test_a_run_is_not_resumed_after_a_file_of_this_package_was_edited(
    file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = Experiment([{"makers": "optimal"}], **SIZE)
    experiment.run(tmp_path / "run")
    copy = shutil.copytree(Path(str(abm.__file__)).parent, tmp_path / "abm")
    monkeypatch.setattr(abm, "__file__", str(copy / "__init__.py"))
    hash_package.cache_clear()
    experiment.run(tmp_path / "run", resume=True)
    (copy / file).write_text((copy / file).read_text() + "\n# edited\n")
    hash_package.cache_clear()
    with pytest.raises(FolderTakenError, match=r"versions or code \(code of abm is \w+ there"):
        experiment.run(tmp_path / "run", resume=True)
    hash_package.cache_clear()


def test_the_hash_of_this_package_is_the_same_however_lines_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = hash_package()
    copy = shutil.copytree(Path(str(abm.__file__)).parent, tmp_path / "abm")
    for path in copy.rglob("*.py"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    monkeypatch.setattr(abm, "__file__", str(copy / "__init__.py"))
    hash_package.cache_clear()
    assert hash_package() == before


def test_a_distribution_of_ones_own_that_scipy_freezes_is_found(own: Callable[[str], Any]) -> None:
    frozen = own("own_noise").Frozen(name="mine")()
    point = {"makers": "myopic", "traders": partial(NoisyTrader, noise=frozen)}
    named = list(fingerprint([point]))
    assert named == [
        "code of abm", "code of own_noise:Frozen", "arguments of abm.traders.noisy:NoisyTrader"
    ]  # fmt: skip


def test_each_class_has_one_entry_in_alphabetical_order(own: Callable[[str], Any]) -> None:
    makers = ["own_maker:Wide", own("own_maker").Wide]
    points = [{"makers": makers, "traders": own("own_trader").Hasty}] * 2
    found = fingerprint(points)
    assert list(found) == ["code of abm", "code of own_maker:Wide", "code of own_trader:Hasty"]
    assert len(set(found.values())) == 3


def test_a_run_whose_code_cannot_be_told_is_not_resumed_and_the_reason_is_given(
    tmp_path: Path,
) -> None:
    maker = partial(Locked, lock=HiddenLock())
    experiment = Experiment([{"makers": maker}], **SIZE)
    experiment.run(tmp_path / "run")
    says = r"cannot be told \(arguments of .*:Locked is unknown: lock cannot be taken apart"
    with pytest.raises(FolderTakenError, match=says):
        experiment.run(tmp_path / "run", resume=True)


@pytest.mark.slow
def test_a_worker_with_other_code_simulates_nothing(
    own: Callable[[str], Any], tmp_path: Path
) -> None:
    get_reusable_executor().shutdown()  # earlier workers would not find the module
    points = [{"makers": own("own_maker").Wide}]
    file = tmp_path / "own_maker.py"
    experiment = Experiment(points, replications=10, block=5, periods=3)
    experiment.run(tmp_path / "whole", workers=2)
    get_reusable_executor().shutdown()
    file.write_text(file.read_text().replace(*EDITS["own_maker"]))
    shutil.rmtree(tmp_path / "__pycache__", ignore_errors=True)
    says = (
        r"2 of 2 blocks failed.*OtherCodeError: .*\(code of own_maker:Wide is \w+ there, \w+ here"
    )
    with pytest.raises(BlocksFailedError, match=says):
        experiment.run(tmp_path / "run", workers=2)
    assert not (tmp_path / "run").exists()
    get_reusable_executor().shutdown()


@pytest.mark.slow
def test_what_a_maker_keeps_in_its_module_while_it_works_is_no_other_code(
    own: Callable[[str], Any], tmp_path: Path
) -> None:
    get_reusable_executor().shutdown()
    points = [{"makers": own("own_memory").Remembering, "prior_sd": sd} for sd in (1.0, 2.0)]
    experiment = Experiment(points, replications=20, block=5, periods=3)
    experiment.run(tmp_path / "run", workers=2)
    assert (tmp_path / "run" / "summary.parquet").exists()
    get_reusable_executor().shutdown()


def test_other_code_of_this_package_is_a_failed_block(tmp_path: Path) -> None:
    task = BlockTask("0000-00000", {"makers": "optimal"}, 0, 5, 3, 1)
    outcome = simulate_block(Simulation(), Store(tmp_path), [{}], {"code of abm": "another"}, task)
    assert isinstance(outcome, Failed)
    assert "has other versions or code than the run (code of abm is" in outcome.error
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["python", "numpy", "market-shock"])
def test_another_version_is_a_failed_block_that_names_both(name: str, tmp_path: Path) -> None:
    task = BlockTask("0000-00000", {"makers": "optimal"}, 0, 5, 3, 1)
    run = read_versions()
    outcome = simulate_block(Simulation(), Store(tmp_path), [{}], run | {name: "0.0.7"}, task)
    assert isinstance(outcome, Failed)
    assert f"than the run ({name} is {run[name]} there, 0.0.7 here): give every" in outcome.error
    assert isinstance(simulate_block(Simulation(), Store(tmp_path), [{}], run, task), Finished)


@pytest.mark.slow
def test_workers_are_told_the_versions_of_the_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = read_versions() | {"scipy": "0.0.7"}
    monkeypatch.setattr(description, "read_versions", lambda: other)
    experiment = Experiment([{"makers": "optimal"}], replications=10, block=5, periods=3)
    says = r"2 of 2 blocks failed.*OtherCodeError: .*\(scipy is [\d.]+ there, 0\.0\.7 here\)"
    with pytest.raises(BlocksFailedError, match=says):
        experiment.run(tmp_path / "run", workers=2)
    get_reusable_executor().shutdown()
