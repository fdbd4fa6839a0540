"""Names with arguments on the command line."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from abm import Exchange, Jumps
from abm.experiment.points import describe_value
from abm.makers import PolicyMaker, PolynomialPolicy
from abm.makers.franchise import Franchise
from abm.participants.registry import MAKER_TYPES, TRADER_TYPES
from abm.traders import NoisyTrader, UninformedTrader
from scenarios._common.choices import (
    give_noise,
    parse_call,
    parse_noises,
    parse_processes,
    parse_types,
    split_choices,
)
from scenarios._common.options import parse_makers
from scenarios.sweep import Sweep


def test_commas_within_parentheses_do_not_separate() -> None:
    text = "noisy, uninformed(share=0.3, reach=3), adaptive(weight=1)"
    assert split_choices(text) == ["noisy", "uninformed(share=0.3, reach=3)", "adaptive(weight=1)"]


def test_types_are_joined_by_plus_and_have_arguments() -> None:
    one, two = parse_types("noisy, noisy+uninformed(share=0.3, reach=3)", TRADER_TYPES)
    assert one == ["noisy"]
    assert (two[0], two[1].func, two[1].keywords) == (
        "noisy", UninformedTrader, {"share": 0.3, "reach": 3},
    )  # fmt: skip
    ((franchise, rival),) = parse_types("franchise(periods=6)+zero-profit", MAKER_TYPES)
    assert (franchise.func, franchise.keywords, rival) == (Franchise, {"periods": 6}, "zero-profit")


def test_processes_are_words_or_have_arguments() -> None:
    found = parse_processes("fixed,redrawn, jumps(sd=1, probability=0.05), jumps(sd=3, at=[50])")
    assert found[:2] == ["fixed", "redrawn"]
    assert found[2:] == [Jumps(1.0, probability=0.05), Jumps(3.0, at=[50])]
    assert parse_processes("jumps(sd=1, at=(5, 6)), fixed") == [Jumps(1.0, at=[5, 6]), "fixed"]


def test_noises_are_those_of_scipy() -> None:
    plain, laplace = parse_noises("gaussian, laplace(scale=0.7)")
    assert plain is None
    assert laplace.std() == pytest.approx(stats.laplace(scale=0.7).std())
    assert give_noise(["noisy"], None) == ["noisy"]
    (given, other) = give_noise(["noisy", "uninformed"], laplace)
    assert (given.func, given.keywords["noise"], other) == (NoisyTrader, laplace, "uninformed")


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: parse_call("value", "jumps(1.0)"), "named arguments"),
        (lambda: parse_call("value", "jumps(sd=open('x'))"), "named arguments"),
        (lambda: parse_call("value", "jumps(sd=1"), "named arguments"),
        (lambda: parse_call("value", "jumps(**{})"), "named arguments"),
        (lambda: parse_call("value", "a b"), "named arguments"),
        (lambda: parse_processes("jump(sd=1)"), "did you mean 'jumps'"),
        (lambda: parse_processes("fixed(sd=1)"), "fixed takes no arguments"),
        (lambda: parse_noises("gaussian(a=1)"), "gaussian takes no arguments"),
        (lambda: parse_types("uninformed(share=.3)(x=1)", TRADER_TYPES), "named arguments"),
        (lambda: parse_processes("jumps(sd=1,at=[1])+jumps(sd=2,at=[2])"), "named arguments"),
        (lambda: parse_processes("jumps(sd=1, size=2)"), "takes other arguments"),
        (lambda: parse_processes("jumps(sd=-1, probability=0.1)"), "sd is -1"),
        (lambda: parse_noises("laplas"), "did you mean 'laplace'"),
        (lambda: parse_noises("laplace(width=2)"), "takes other arguments"),
        (lambda: parse_types("noisi(noise_sd=2)", TRADER_TYPES), "did you mean 'noisy'"),
        (lambda: give_noise(["adaptive"], stats.laplace()), "no trader type is 'noisy'"),
    ],
)
def test_what_cannot_be_read_is_refused(call: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        call()


def test_a_sweep_has_a_point_for_each_combination() -> None:
    sweep = Sweep(
        makers="zero-profit,franchise(periods=2)", traders="noisy,noisy+uninformed(share=0.2)",
        noise="gaussian,laplace", value="fixed,jumps(sd=1,probability=0.1)", prior_sd="1",
    )  # fmt: skip
    points = sweep.list_points()
    assert len(points) == 2 * 4 * 2
    kinds = {describe_value(point["traders"]) for point in points}
    assert "noisy+uninformed(share=0.2)" in kinds
    assert sum("laplace" in str(kind) for kind in kinds) == 2
    plain = [point for point in points if point["makers"] == ["zero-profit"]]
    for point in plain:
        spread = Exchange(**point, replications=3).run(2).inside.spread
        assert np.isfinite(spread).all()


def test_a_swept_trader_is_the_one_that_python_makes() -> None:
    ((_, elastic),) = parse_types("noisy+uninformed(share=0.3, reach=3.0)", TRADER_TYPES)
    same = partial(UninformedTrader, share=0.3, reach=3.0)
    tapes = [
        Exchange("zero-profit", ["noisy", kind], prior_sd=3.0, replications=20, rng=1).run(5).tape
        for kind in (elastic, same)
    ]
    np.testing.assert_array_equal(tapes[0].market["ask"], tapes[1].market["ask"])


def test_policies_are_told_apart_by_the_names_that_they_have(tmp_path: Path) -> None:
    files = [tmp_path / f"{name}.json" for name in ("one", "other", "same")]
    for file, name in zip(files, ("one", "other", "one"), strict=True):
        PolicyMaker(PolynomialPolicy([0.1]), name=name).save(file)
    one, other, same = (f"policy:{file}" for file in files)
    assert parse_makers(f"optimal,{one},{other}") == ["optimal", one, other]
    with pytest.raises(ValueError, match=r"both have the name 'one': give one another, a policy"):
        parse_makers(f"{one},{same}")
