"""A maker who sets her belief, inventory or cash to what it cannot be is stopped by name."""

from functools import partial
from typing import Any

import numpy as np
import pytest

from abm import Exchange, GaussianBelief, Quote
from abm.makers import MakerError, MarketMaker

INF, NAN = np.inf, np.nan


class Setter(MarketMaker):
    """Sets one of her attributes at a point of period 2."""

    def __init__(self, model: Any, *, name: str, to: Any, when: str) -> None:
        super().__init__(model)
        self.change = name, to, when

    def happens(self, when: str) -> None:
        name, to, at = self.change
        if self.period == 2 and when == at:
            setattr(self, name, to)

    def quote(self) -> Quote:
        self.happens("quote")
        return Quote(-1.0, 1.0)

    def settle(self, quantity: Any, price: Any) -> None:
        super().settle(quantity, price)
        self.happens("settle")

    def observe(self, view: Any) -> None:
        super().observe(view)
        self.happens("observe")

    def predict(self) -> None:
        self.happens("predict")


DOING = {"quote": "she quoted", "settle": "she booked a trade", "observe": "she learnt",
         "predict": "she carried her belief over"}  # fmt: skip
ODD: list[Any] = [2.0, -INF, NAN, "much", [1.0, 2.0], np.zeros(3), np.zeros((2, 1)),
                  np.array([0.0, NAN]), np.array([0.0, INF]), np.array([0.0, 1e200]), None,
                  np.array([1j, 0]), np.array(["a", "b"])]  # fmt: skip


@pytest.mark.parametrize("when", DOING)
@pytest.mark.parametrize("name", ["inventory", "cash"])
@pytest.mark.parametrize("value", ODD, ids=repr)
def test_what_she_holds_must_be_an_array_of_numbers(name: str, value: Any, when: str) -> None:
    market = Exchange(partial(Setter, name=name, to=value, when=when), replications=2)
    with pytest.raises(MakerError) as caught:
        market.run(4)
    said = str(caught.value)
    assert f"maker 'setter' has, once {DOING[when]} in period 2, {name} " in said
    assert "but must have an array of 2 numbers, each finite" in said
    assert "set it as np.zeros(2)" in said
    assert market.tape.market["period"].max() == 1


@pytest.mark.parametrize("odd", [NAN, INF, -INF, 1e200])
@pytest.mark.parametrize("name", ["inventory", "cash"])
def test_a_single_number_at_fault_is_found_among_many_markets(name: str, odd: float) -> None:
    size = 10_001
    to = np.append(np.zeros(size - 1), odd)
    market = Exchange(partial(Setter, name=name, to=to, when="settle"), replications=size)
    with pytest.raises(MakerError, match=f"{name} .* but must have an array of 10001 numbers"):
        market.run(4)


def test_any_number_of_finite_numbers_is_in_order() -> None:
    size = 10_001
    cash = np.linspace(-1e100, 1e100, size)
    market = Exchange(partial(Setter, name="cash", to=cash, when="predict"), replications=size)
    assert (market.run(3).makers[0].cash == cash).all()


@pytest.mark.parametrize("when", DOING)
@pytest.mark.parametrize(
    "value",
    [2.0, -INF, NAN, "gaussian", GaussianBelief(0.0, 1.0), GaussianBelief([0.0] * 3, 1.0)],
    ids=repr,
)
def test_what_she_believes_must_be_a_belief(value: Any, when: str) -> None:
    market = Exchange(partial(Setter, name="belief", to=value, when=when), replications=2)
    with pytest.raises(MakerError) as caught:
        market.run(4)
    said = str(caught.value)
    assert f"maker 'setter' has, once {DOING[when]} in period 2, belief " in said
    assert "but must have a belief or None" in said
    assert "set it as GaussianBelief(mean, sd).broadcast(2)" in said


@pytest.mark.parametrize("value", [None, GaussianBelief([0.0, 1.0], [1.0, 2.0])], ids=repr)
def test_another_belief_or_none_is_hers_to_choose(value: Any) -> None:
    maker = partial(Setter, name="belief", to=value, when="predict")
    assert Exchange(maker, replications=2).run(4).period == 4


def test_whole_numbers_are_numbers() -> None:
    maker = partial(Setter, name="inventory", to=np.array([5, -3]), when="observe")
    market = Exchange(maker, replications=2).run(3)
    assert market.makers[0].inventory.tolist() == [5, -3]


class Scribbler(MarketMaker):
    """Books in place, and writes NaN into her arrays."""

    def settle(self, quantity: Any, price: Any) -> None:
        self.inventory -= quantity
        self.cash += quantity * price

    def quote(self) -> Quote:
        if self.period == 3:
            self.cash[0] = NAN
        return Quote(-1.0, 1.0)


def test_what_she_writes_into_her_arrays_is_found_when_she_next_books() -> None:
    with pytest.raises(MakerError, match=r"once she booked a trade in period 3, cash array\(\[nan"):
        Exchange(Scribbler, replications=2).run(5)


class Poor(MarketMaker):
    """Begins with what is no cash."""

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        self.cash = "some"  # type: ignore[assignment]

    def quote(self) -> Quote:
        return Quote(-1.0, 1.0)


def test_what_she_begins_with_is_checked_too() -> None:
    with pytest.raises(MakerError, match=r"'poor' has, once she was made in period 0, cash 'some'"):
        Exchange(Poor)
