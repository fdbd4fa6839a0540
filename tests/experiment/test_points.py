"""Points: the grid of parameters, and how each is told apart in numbers and words."""

from functools import partial
from typing import Any

import numpy as np
import pytest

from abm import Exchange, FixedSpread, GaussianBelief, GridBelief, Myopic, NoisyTrader, Optimal
from abm.experiment.points import (
    describe_points,
    describe_value,
    grid,
    point_columns,
    varying_parameters,
)  # fmt: skip
from abm.makers import MarketMaker
from abm.market.quotes import Quote


class Mine(MarketMaker):
    """A maker of the user's own, whose name is one of the framework's."""

    name = "optimal"

    def __init__(self, model: Any, *, rivals: Any = None) -> None:
        super().__init__(model)
        self.rivals = rivals

    def quote(self) -> Quote:
        return Quote.around(self.require_belief().mean, 1.0)


class Plain:
    """An object that Python describes by its address."""


def believing(belief: Any) -> Any:
    return partial(Optimal, belief=belief)


def test_a_grid_holds_every_combination_the_last_parameter_varying_fastest() -> None:
    points = grid(makers=["optimal", ("myopic", "optimal")], prior_sd=[1.0, 3.0, 5.0])
    assert [(point["makers"], point["prior_sd"]) for point in points] == [
        (makers, sd) for makers in ("optimal", ("myopic", "optimal")) for sd in (1.0, 3.0, 5.0)
    ]


def test_a_grid_takes_values_that_can_be_read_only_once() -> None:
    points = grid(prior_sd=(float(sd) for sd in range(2)), noise_sd=iter([1.0, 2.0]))
    assert [tuple(point.values()) for point in points] == [(0, 1), (0, 2), (1, 1), (1, 2)]


def test_a_grid_is_empty_if_a_parameter_has_no_value_and_one_point_if_there_is_none() -> None:
    assert grid(makers=["optimal"], prior_sd=[]) == []
    assert grid() == [{}]


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ("optimal", "optimal"),
        (Optimal, "optimal"),
        (Mine, f"{__name__}:Mine"),
        (NoisyTrader, "noisy"),
        (["optimal", Myopic, Mine], f"optimal+myopic+{__name__}:Mine"),
        (("optimal",), "optimal"),
        (partial(Optimal, discount=0.97), "optimal(discount=0.97)"),
        (
            partial(partial(Optimal, discount=0.5), belief=None),
            "optimal(discount=0.5, belief=None)",
        ),
        ([partial(FixedSpread, half_spread=2.0), "myopic"], "fixed-spread(half_spread=2.0)+myopic"),
        (partial(Mine, rivals="a"), f"{__name__}:Mine(rivals='a')"),
        (partial(NoisyTrader, noise_sd=2.0), "noisy(noise_sd=2.0)"),
    ],
    ids=str,
)
def test_makers_and_traders_are_described_by_name_class_and_arguments(
    choice: Any, words: str
) -> None:
    assert describe_value(choice) == words


@pytest.mark.parametrize(
    ("value", "number"),
    [(np.float64(0.1), 0.1), (np.float32(0.5), 0.5), (np.int64(3), 3), (np.bool_(True), True)],
)
def test_numpy_numbers_are_described_as_pythons_own(value: Any, number: float) -> None:
    assert describe_value(value) == number
    assert type(describe_value(value)) is type(number)


def test_a_numpy_number_in_a_partial_is_described_as_pythons_own() -> None:
    assert describe_value(partial(Optimal, discount=np.float64(0.97))) == "optimal(discount=0.97)"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Optimal, Mine),
        (partial(Optimal, discount=0.9), partial(Optimal, discount=0.8)),
        (["optimal", "myopic"], ["myopic", "optimal"]),
        (partial(Mine, rivals=1), partial(Mine, rivals="1")),
        (believing(GaussianBelief(0.0, 3.0)), believing(GridBelief(0.0, 3.0))),
        (believing(GaussianBelief(0.0, 3.0)), believing(GaussianBelief(0.0, 3.0 + 1e-12))),
        (
            believing(GaussianBelief(np.zeros(5000), 3.0)),
            believing(GaussianBelief(np.eye(1, 5000, 2500)[0], 3.0)),
        ),
    ],
    ids=["classes", "arguments", "order", "types", "beliefs", "last-digits", "in-the-middle"],
)
def test_choices_that_differ_are_described_apart(one: Any, other: Any) -> None:
    assert describe_value(one) != describe_value(other)


@pytest.mark.parametrize(
    "choice",
    [
        Plain(),
        lambda model: Optimal(model),
        Exchange.run,
        partial(Mine, rivals=Plain()),
        partial(Mine, rivals=[1, Plain()]),
        partial(Mine, Plain()),
        ["optimal", Plain()],
    ],
    ids=["object", "function", "method", "keyword", "list", "argument", "among-makers"],
)
def test_what_differs_from_process_to_process_is_refused(choice: Any) -> None:
    with pytest.raises(TypeError) as refusal:
        describe_points([{"makers": "optimal"}, {"makers": choice}])
    for part in (" at 0x", "has no description of its own", "give a class, a partial with plain"):
        assert part in str(refusal.value)


@pytest.mark.parametrize(
    ("values", "words", "dtype"),
    [
        ([1, 3], [1, 3], "int64"),
        ([1, 2.5], [1.0, 2.5], "float64"),
        ([np.float32(0.5), np.int32(2)], [0.5, 2.0], "float64"),
        (["optimal", ("myopic", Optimal)], ["optimal", "myopic+optimal"], "category"),
        ([1, "auto"], ["1", "auto"], "category"),
        ([True, False], [True, False], "bool"),
        ([None, "x"], ["None", "x"], "category"),
    ],
    ids=str,
)
def test_a_parameter_has_one_type_at_all_points(
    values: list[Any], words: list[Any], dtype: str
) -> None:
    points = describe_points([{"p": value} for value in values])
    assert [point["p"] for point in points] == words
    assert {type(point["p"]) for point in points} == {type(words[0])}
    (column,) = point_columns(points)
    assert (column.name, column.dtype) == ("p", dtype)


def test_only_parameters_that_vary_have_a_column_in_their_order() -> None:
    points = describe_points(grid(value=["fixed"], prior_sd=[1, 3.0], makers=["optimal", "myopic"]))
    assert varying_parameters(points) == ["prior_sd", "makers"]
    assert [column.name for column in point_columns(points)] == ["prior_sd", "makers"]
    assert varying_parameters(points[:1]) == []
    assert describe_points([]) == []
    assert varying_parameters([]) == []
