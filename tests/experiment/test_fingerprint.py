"""Fingerprints: a run is resumed only with the code of makers, traders and noises that began it."""

import sys
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from abm import FixedSpread, GaussianBelief, Myopic, NoisyTrader
from abm.experiment import Experiment, Simulation
from abm.experiment.fingerprint import fingerprint
from abm.experiment.points import Point
from abm.runs.location import FolderTakenError

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


def edit(module: Any) -> None:
    """Change the file of a module, as between a run and its resumption."""
    file = Path(module.__file__)
    file.write_text(f"{file.read_text()}\n# another version\n")


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
    experiment = Experiment([point], simulation, replications=10, periods=3)
    experiment.run(tmp_path / "run")
    experiment.run(tmp_path / "run", resume=True)
    edit(own(module))
    with pytest.raises(FolderTakenError, match=rf"versions \(code of {module}:{name} is \w+ there"):
        experiment.run(tmp_path / "run", resume=True)


NOISY = "code of abm.traders.noisy:NoisyTrader"


@pytest.mark.parametrize(
    ("point", "named"),
    [
        ({"makers": ["optimal", FixedSpread], "traders": "noisy"},
         ["code of abm.makers.fixed_spread:FixedSpread", "code of abm.makers.optimal:Optimal",
          NOISY]),
        ({"makers": partial(Myopic, belief=GaussianBelief(0.0, 1.0))},
         ["code of abm.beliefs.gaussian:GaussianBelief", "code of abm.makers.myopic:Myopic",
          NOISY]),
        ({"makers": "myopic", "traders": partial(NoisyTrader, noise=stats.laplace(scale=0.7))},
         ["code of abm.makers.myopic:Myopic", NOISY]),
    ],
    ids=["names", "belief", "noise"],
)  # fmt: skip
def test_files_of_this_package_are_fingerprinted_and_those_of_libraries_are_not(
    point: Point, named: list[str]
) -> None:
    assert list(fingerprint([point])) == named


@pytest.mark.parametrize("module", ["abm.makers.myopic", "abm.traders.noisy"])
@pytest.mark.parametrize("point", [{"makers": "myopic"}, {"makers": Myopic, "traders": "noisy"}])
def test_a_run_is_not_resumed_after_a_file_of_this_package_was_edited(
    module: str, point: Point, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = Experiment([point], replications=10, periods=3)
    experiment.run(tmp_path / "run")
    experiment.run(tmp_path / "run", resume=True)
    loaded = import_module(module)
    copy = tmp_path / "edited.py"
    copy.write_text(Path(str(loaded.__file__)).read_text())
    monkeypatch.setattr(loaded, "__file__", str(copy))
    experiment.run(tmp_path / "run", resume=True)
    edit(loaded)
    with pytest.raises(FolderTakenError, match=rf"versions \(code of {module}:\w+ is \w+ there"):
        experiment.run(tmp_path / "run", resume=True)


def test_a_fingerprint_is_the_same_however_lines_end(own: Callable[[str], Any]) -> None:
    module = own("own_maker")
    before = fingerprint([{"makers": module.Wide}])
    file = Path(module.__file__)
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert fingerprint([{"makers": module.Wide}]) == before


def test_a_distribution_of_ones_own_that_scipy_freezes_is_found(own: Callable[[str], Any]) -> None:
    frozen = own("own_noise").Frozen(name="mine")()
    point = {"makers": "myopic", "traders": partial(NoisyTrader, noise=frozen)}
    named = list(fingerprint([point]))
    assert named == ["code of abm.makers.myopic:Myopic", NOISY, "code of own_noise:Frozen"]


def test_each_class_has_one_entry_in_alphabetical_order(own: Callable[[str], Any]) -> None:
    makers = ["own_maker:Wide", own("own_maker").Wide]
    points = [{"makers": makers, "traders": own("own_trader").Hasty}] * 2
    found = fingerprint(points)
    assert list(found) == ["code of own_maker:Wide", "code of own_trader:Hasty"]
    assert len(set(found.values())) == 2
