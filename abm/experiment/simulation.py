"""What an experiment simulates at a point, and what it keeps of it."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from abm.exchange.admission import MakerChoice
from abm.exchange.model import Exchange
from abm.exchange.tape import MOST_PERIODS
from abm.exchange.totals import Totals
from abm.experiment.points import Point, describe_function
from abm.numerics.checks import discount_factor, require_one_of, require_whole
from abm.numerics.describe import show_value
from abm.participants.admission import as_list
from abm.participants.maker import MarketMaker
from abm.participants.registry import MAKER_TYPES
from abm.runs.parquet import Tables, make_table
from abm.runs.schema import MAKERS, MARKET, SUMMARY

SET_BY_TASK = {"record", "replications", "block", "rng", "scenario"}  # which no point can give
RECORDS = ("full", "summary")  # of an exchange's, those that leave something to write


class BlockTask(NamedTuple):
    """One block of replications at one point, to be simulated.

    Parameters
    ----------
    name : str
        POINT-BLOCK, by their numbers.
    point : dict
    block, size : int
        Which block of replications, and how many they are.
    periods : int
        Traders who arrive in each.
    seed : int
    """

    name: str
    point: Point
    block: int
    size: int
    periods: int
    seed: int


@dataclass(frozen=True)
class RecordFirst:
    """For `Simulation.record`: the first block of some points in full, and summaries of others.

    Parameters
    ----------
    points : sequence of dict
    """

    points: Sequence[Point]

    def __call__(self, task: BlockTask) -> str:
        """Return how the exchange of a block keeps its tape."""
        return "full" if task.block == 0 and task.point in self.points else "summary"


def use_point(point: Point, discount: float) -> Point:  # noqa: ARG001, others pass it to makers
    """Return a point, whose parameters are the arguments of its exchange."""
    return point


def keep_tables(market: Exchange, totals: Totals) -> Tables:
    """Return summary and totals, and the tables market and makers if recorded in full."""
    tables = {
        "summary": make_table(market.tape.summary, SUMMARY),
        "totals": totals.table(market.replication),
    }
    if market.tape.full:
        tables["market"] = make_table(market.tape.market, MARKET)
        tables["makers"] = make_table(market.tape.makers, MAKERS)
    return tables


def give_discount(choice: MakerChoice, discount: float) -> Callable[..., MarketMaker]:
    """Return a maker; one that looks ahead is given the discount, unless it is a partial."""
    maker = MAKER_TYPES.look_up(choice)
    if isinstance(maker, type) and "discount" in inspect.signature(maker).parameters:
        return partial(maker, discount=discount)
    return maker


@dataclass(frozen=True)
class Simulation:
    """How a block is simulated, and what is kept of it.

    Functions must be picklable, so that other processes can call them: defined in a module, a
    partial of one that is, or an object with `__call__`.

    Parameters
    ----------
    discount : float
        Of profits, per period; makers that look ahead do so with it, unless given another.
    record : {"summary", "full"} or callable
        Whether the tape keeps every replication; or a function that says so of a BlockTask.
    burn_in : int
        Periods that pass before totals begin to count; discounting begins with the first counted.
    exchange_of : callable
        From a point and the discount to the arguments of the exchange that the point stands for;
        they are the point's own parameters unless given.
    keep : callable
        From an exchange that has run and its totals to the tables that are kept.

    Raises
    ------
    ValueError, TypeError
        If one of them is out of range or unknown.

    Examples
    --------
    >>> def hold_rivals(point, discount):
    ...     return {"makers": ["zero-profit"] * point["rivals"]}
    >>> simulation = Simulation(exchange_of=hold_rivals)
    >>> simulation.make_exchange(BlockTask("0-0", {"rivals": 2}, 0, 100, periods=10, seed=1))
    Exchange(zero-profit, zero-profit-2; prior_sd=1, 100 markets, period 0)
    """

    discount: float = 0.9
    record: str | Callable[[BlockTask], str] = "summary"
    burn_in: int = 0
    exchange_of: Callable[[Point, float], Point] = use_point
    keep: Callable[[Exchange, Totals], Tables] = keep_tables

    def __post_init__(self) -> None:
        discount_factor(self.discount)
        require_whole("burn_in", self.burn_in, 0, MOST_PERIODS - 1)
        if not callable(self.record):
            require_one_of("record", self.record, RECORDS)
        for name, function in self.functions.items():
            if not callable(function):
                raise TypeError(
                    f"{name} is {function!r}, but must be a function: give one, or leave it out"
                )
            describe_function(name, function)

    @property
    def parameters(self) -> dict[str, Any]:
        """What results depend on, as run.json holds it; functions by location and arguments."""
        own = {
            "discount": float(self.discount), "record": self.record, "burn_in": int(self.burn_in)
        }  # fmt: skip
        return own | {
            name: describe_function(name, function) for name, function in self.functions.items()
        }

    @property
    def functions(self) -> dict[str, Callable[..., Any]]:
        """The functions that were given, by the parameters that they are."""
        named: dict[str, Any] = {
            "exchange_of": self.exchange_of,
            "keep": self.keep,
            "record": self.record,
        }
        left_out = (use_point, keep_tables, *RECORDS)
        return {name: given for name, given in named.items() if given not in left_out}

    def check_point(self, point: Point, size: int) -> None:
        """Raise unless an exchange of so many replications takes the arguments of a point."""
        known = inspect.signature(Exchange).parameters.keys() - SET_BY_TASK
        arguments = self.make_arguments(point)
        for name in arguments:
            require_one_of("parameter", name, known)
        prior_sd = arguments.get("prior_sd", 1.0)
        if np.ndim(prior_sd) and not isinstance(prior_sd, tuple):
            raise ValueError(
                f"prior_sd is {show_value(prior_sd)}, but an experiment has blocks of "
                f"replications, and takes one number for all, or a range as (1.0, 5.0): give these"
            )
        self.make_exchange(BlockTask("", point, 0, size, 1, 0))

    def make_arguments(self, point: Point) -> dict[str, Any]:
        """Return the arguments of a point's exchange, its makers with the discount."""
        discount = float(self.discount)
        arguments = self.exchange_of(point, discount)
        makers = [give_discount(maker, discount) for maker in as_list(arguments.get("makers", ()))]
        return arguments | {"makers": makers}

    def make_exchange(self, task: BlockTask) -> Exchange:
        """Return the markets of a block, before the first trader comes."""
        return Exchange(
            **self.make_arguments(task.point),
            record=self.record(task) if callable(self.record) else self.record,
            replications=task.size, block=task.block, rng=task.seed,
        )  # fmt: skip

    def run(self, task: BlockTask) -> Tables:
        """Simulate a block, and return what is kept of it."""
        market = self.make_exchange(task)
        totals = Totals(market.makers, float(self.discount))
        for period in range(task.periods):
            market.step()
            if period >= self.burn_in:
                totals.add(market.clearing)
        tables = self.keep(market, totals)
        del market.tape  # a model and its agents refer to each other: it would stay for long
        return tables
