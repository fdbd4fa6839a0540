"""Fingerprints: a run is resumed only with the code of makers, traders and noises that began it."""

import sys
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from abm import FixedSpread, NoisyTrader
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


@pytest.mark.parametrize(
    "point",
    [
        {"makers": ["optimal", FixedSpread], "traders": "noisy"},
        {"makers": partial(FixedSpread, half_spread=1.0), "traders": (NoisyTrader,)},
        {"makers": "myopic", "traders": partial(NoisyTrader, noise=stats.laplace(scale=0.7))},
    ],
    ids=["names", "classes", "noise"],
)
def test_code_of_this_package_and_of_scipy_is_told_by_their_versions(point: Point) -> None:
    assert fingerprint([point]) == {}


def test_a_distribution_of_ones_own_that_scipy_freezes_is_found(own: Callable[[str], Any]) -> None:
    frozen = own("own_noise").Frozen(name="mine")()
    point = {"makers": "myopic", "traders": partial(NoisyTrader, noise=frozen)}
    assert list(fingerprint([point])) == ["code of own_noise:Frozen"]


def test_each_class_has_one_entry_in_alphabetical_order(own: Callable[[str], Any]) -> None:
    makers = ["own_maker:Wide", own("own_maker").Wide]
    points = [{"makers": makers, "traders": own("own_trader").Hasty}] * 2
    found = fingerprint(points)
    assert list(found) == ["code of own_maker:Wide", "code of own_trader:Hasty"]
    assert len(set(found.values())) == 2
