"""Every bad input is refused, with an error that gives the value, the rule and the fix."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from abm import (
    ExactOptimal,
    Exchange,
    FixedSpread,
    GaussianBelief,
    GridBelief,
    Myopic,
    NoisyTrader,
    Optimal,
    Quote,
)
from abm.makers import MakerError, MarketMaker
from abm.participants.registry import MAKER_TYPES
from abm.participants.trader import TraderError
from abm.traders import UninformedTrader

INF, NAN = np.inf, np.nan
NUMBER = "give a positive number"
WHOLE = "must be a whole number"
INT = "give an int (a NumPy integer is fine)"
RANGE = "give a whole number in that range"
ABOVE_ZERO = "must be finite and above zero"
MAKERS = f"known: {', '.join(MAKER_TYPES.list_names())}"
SHARED = "draws the value from the belief that all makers share"
ONE_PRIOR = 'give them one prior, or value="fixed"'
A_MAKER = "must be a MarketMaker"
A_NAME = "give a subclass, a partial of one, or a registered name"
ORDER = "must have bid <= ask"
DECLINE = "decline a side with a bid of -inf or an ask of inf"


class Probe(MarketMaker):
    """Quotes what the test asks for from period 3 on, and -/+ 1 before."""

    name = "probe"

    def __init__(self, model: Any, *, says: Any = None, belief: Any = "gaussian") -> None:
        super().__init__(model, belief=belief)
        self.says = says

    def quote(self) -> Quote:
        if self.model.period < 3:
            return Quote(-1.0, 1.0)
        return self.says() if callable(self.says) else self.says


def fails() -> Quote:
    raise ZeroDivisionError("a mistake of hers")


def refused(
    call: Callable[[], object], error: type[Exception], value: str, rule: str, fix: str
) -> None:
    with pytest.raises(error) as caught:
        call()
    for part in (value, rule, fix):
        assert part in str(caught.value)


@pytest.mark.parametrize("name", ["prior_sd", "noise_sd"])
@pytest.mark.parametrize("value", [-1.0, 0.0, NAN, INF, -INF])
def test_an_sd_must_be_positive(name: str, value: float) -> None:
    settings: dict[str, Any] = {name: value}
    refused(
        lambda: Exchange("optimal", **settings),
        ValueError,
        f"{name} is {value}",
        ABOVE_ZERO,
        NUMBER,
    )


@pytest.mark.parametrize("value", [-1.0, 0.0, NAN, INF])
def test_the_noise_of_a_trader_must_be_positive(value: float) -> None:
    trader = partial(NoisyTrader, noise_sd=value)
    says = (f"noise_sd is {value}", ABOVE_ZERO, NUMBER)
    refused(lambda: Exchange("optimal", trader), ValueError, *says)


@pytest.mark.parametrize("value", [NAN, INF, -INF])
def test_a_prior_mean_must_be_finite(value: float) -> None:
    says = (f"prior_mean is {value}", "must be finite", "give a number")
    refused(lambda: Exchange("optimal", prior_mean=value), ValueError, *says)


@pytest.mark.parametrize("value", [1, 1.5, -0.1, NAN, INF])
def test_a_discount_must_be_at_least_zero_and_below_one(value: float) -> None:
    says = (f"discount is {value}", "must be at least 0 and below 1", "0.9 the paper's setting")
    refused(lambda: Exchange(partial(Optimal, discount=value)), ValueError, *says)


@pytest.mark.parametrize("value", [-1.0, 0.0, NAN, INF])
def test_a_half_spread_must_be_positive(value: float) -> None:
    says = (f"half_spread is {value}", ABOVE_ZERO, NUMBER)
    refused(lambda: Exchange(partial(FixedSpread, half_spread=value)), ValueError, *says)


@pytest.mark.parametrize("makers", [[], ()])
def test_a_market_needs_a_maker(makers: Any) -> None:
    says = ("makers is empty", "a market needs one", "give a maker, as 'optimal'")
    refused(lambda: Exchange(makers), ValueError, *says)


@pytest.mark.parametrize(
    ("name", "fix"), [("optimum", "did you mean 'optimal'?"), ("qqq", MAKERS), ("", MAKERS)]
)
def test_a_maker_must_be_registered(name: str, fix: str) -> None:
    refused(lambda: Exchange(["myopic", name]), ValueError, f"maker is {name!r}", "is unknown", fix)


@pytest.mark.parametrize("thing", [NoisyTrader, dict, int, Quote, 3, None], ids=str)
def test_a_maker_must_be_a_maker(thing: Any) -> None:
    refused(lambda: Exchange(["optimal", thing]), TypeError, repr(thing), A_MAKER, A_NAME)


def test_a_maker_class_without_a_quote_is_refused() -> None:
    with pytest.raises(TypeError, match=r"maker .*MarketMaker has no method quote"):
        Exchange(MarketMaker)


@pytest.mark.parametrize("traders", [[], ()])
def test_a_market_needs_a_trader(traders: Any) -> None:
    says = ("traders is empty", "a market needs one", "give a trader, as 'noisy'")
    refused(lambda: Exchange("optimal", traders), ValueError, *says)


def uninformed(**given: Any) -> Any:
    return partial(UninformedTrader, **given)


@pytest.mark.parametrize("share", [-0.1, 1.5, np.nan])
def test_a_share_is_from_0_to_1(share: float) -> None:
    says = (f"share is {share}", "must be from 0 to 1", "give a part of the whole")
    refused(lambda: Exchange("optimal", uninformed(share=share)), ValueError, *says)


def test_a_type_of_trader_that_lacks_an_argument_is_told_how_to_get_it() -> None:
    says = (
        "UninformedTrader needs share",
        "give it as partial(UninformedTrader, ..",
        "or to a command as uninformed(",
    )
    refused(lambda: Exchange("zero-profit", [NoisyTrader, "uninformed"]), TraderError, *says)


def test_every_type_of_trader_but_the_first_has_a_share() -> None:
    says = ("trader 'noisy-2' has no share", "comes beside 'noisy'", "partial(NoisyTrader, share=")
    refused(lambda: Exchange("optimal", [NoisyTrader, NoisyTrader]), ValueError, *says)


def test_shares_sum_to_1_at_most() -> None:
    traders = [NoisyTrader, uninformed(share=0.7), uninformed(share=0.4, reach=1.0)]
    says = ("shares of traders sum to 1.1", "must to 1 at most", "give smaller ones")
    refused(lambda: Exchange("optimal", traders), ValueError, *says)


def test_the_first_type_has_what_the_others_leave() -> None:
    traders = [partial(NoisyTrader, share=0.5), uninformed(share=0.3)]
    says = ("share is 0.5 for 'noisy'", "the other types leave 0.7", "give it that, or no share")
    refused(lambda: Exchange("optimal", traders), ValueError, *says)


def test_traders_who_go_by_the_public_need_public_trades() -> None:
    traders = [NoisyTrader, uninformed(share=0.3, reach=3.0)]
    says = ("transparency is 'own'", "'uninformed' goes by what the public believes", 'give "pub')
    make = partial(Exchange, "zero-profit", traders, transparency="own")
    refused(make, ValueError, *says)


@pytest.mark.parametrize("reach", [0.0, -1.0, np.inf, "wide"])
def test_a_reach_is_a_positive_number(reach: Any) -> None:
    with pytest.raises((ValueError, TypeError), match="reach"):
        Exchange("zero-profit", [NoisyTrader, uninformed(share=0.3, reach=reach)])


def test_a_profit_without_bound_is_refused() -> None:
    market = Exchange("myopic", [NoisyTrader, uninformed(share=0.3)])
    says = ("whatever the price", "profit has no bound", "give them a reach")
    refused(market.step, MakerError, *says)


@pytest.mark.parametrize("seed", [-1, 2**63])
def test_a_seed_must_be_in_range(seed: int) -> None:
    rule = f"must be at least 0 and at most {2**63 - 1}"
    refused(lambda: Exchange("optimal", rng=seed), ValueError, f"rng is {seed}", rule, RANGE)


@pytest.mark.parametrize("name", ["rng", "replications", "block"])
@pytest.mark.parametrize("value", [2.5, 2.0, True, "2", np.float64(2)], ids=repr)
def test_a_count_must_be_a_whole_number(name: str, value: Any) -> None:
    settings: dict[str, Any] = {name: value}
    says = (f"{name} is {value!r}, a {type(value).__name__}", WHOLE, INT)
    refused(lambda: Exchange("optimal", **settings), TypeError, *says)


def test_no_seed_at_all_is_refused_with_a_word_on_batch_run() -> None:
    none: Any = None
    fix = "mesa.batch_run takes seeds as its own argument"
    refused(lambda: Exchange("optimal", rng=none), TypeError, "rng is None", "whole number", fix)


@pytest.mark.parametrize("setting", ["prior_sd", "prior_mean", "noise_sd"])
def test_a_setting_that_is_no_number_is_refused(setting: str) -> None:
    settings: dict[str, Any] = {setting: "wide"}
    says = (f"{setting} is 'wide'", "must be a number", "give a float")
    refused(lambda: Exchange("optimal", **settings), TypeError, *says)


@pytest.mark.parametrize("thing", [int, None, Myopic], ids=str)
def test_a_trader_must_be_a_trader(thing: Any) -> None:
    says = (repr(thing), "must be a Trader", "give a subclass, a partial of one, or a registered")
    refused(lambda: Exchange("optimal", thing), TypeError, *says)


def test_a_misspelt_trader_leads_to_the_nearest_name() -> None:
    says = ("trader is 'nosy'", "which is unknown", "did you mean 'noisy'?")
    refused(lambda: Exchange("optimal", "nosy"), ValueError, *says)


@pytest.mark.parametrize(
    ("role", "says"),
    [("maker", "the file cannot be read"), ("trader", "a policy is a maker's")],
)
def test_the_word_in_front_of_a_name_leads_to_the_file_of_a_policy(role: str, says: str) -> None:
    chosen: dict[str, Any] = {"makers": "optimal"} | {f"{role}s": "policy:mine"}
    refused(lambda: Exchange(**chosen), ValueError, f"{role} is 'policy:mine'", says, "give")


def test_a_belief_must_be_one() -> None:
    three: Any = 3
    says = ("belief is 3", "must be a belief", "GaussianBelief(mean, sd)")
    refused(lambda: Exchange(partial(Myopic, belief=three)), TypeError, *says)


@pytest.mark.parametrize(
    ("maker", "error"), [(Optimal, ValueError), (ExactOptimal, ValueError), (Myopic, MakerError)]
)
def test_a_maker_that_quotes_by_a_belief_cannot_do_without(
    maker: Any, error: type[Exception]
) -> None:
    says = (f"maker {maker.name!r} has no belief", "quotes by one", 'give belief="gaussian"')
    refused(lambda: Exchange(partial(maker, belief=None)).run(1), error, *says)


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("sigma", "did you mean prior_sd? known: makers, traders, prior_mean, prior_sd, noise_sd"),
        ("sd", "did you mean prior_sd?"),
        ("noise", "did you mean noise_sd?"),
        ("seed", "did you mean rng?"),
        ("maker", "did you mean makers?"),
        ("replication", "did you mean replications?"),
        ("discount", "give it to a maker, as in Exchange(partial(Optimal, discount=0.9))"),
        ("gamma", "give it to a maker, as in Exchange(partial(Optimal, discount=0.9))"),
        ("belief", "give it to a maker, as in Exchange(partial(Myopic, belief='exact'))"),
        ("periods", "give it to run, as in Exchange('optimal').run(periods=100)"),
        ("qqq", "it: known: makers, traders"),
    ],
)
def test_an_argument_that_an_exchange_does_not_take_leads_to_what_was_meant(
    name: str, fix: str
) -> None:
    unknown: dict[str, Any] = {name: 3}
    says = (f"{name} is 3", "an exchange does not take it", fix)
    refused(lambda: Exchange("optimal", **unknown), TypeError, *says)


def test_a_subclass_of_an_exchange_may_take_more() -> None:
    class Lit(Exchange):
        def __init__(self, makers: Any, *, lamps: int, **terms: Any) -> None:
            super().__init__(makers, **terms)
            self.lamps = lamps

    assert Lit("optimal", lamps=2, prior_sd=3.0).lamps == 2
    refused(
        lambda: Lit("optimal", lamps=2, sigma=3), TypeError, "sigma is 3", "not take it", "prior_sd"
    )


@pytest.mark.parametrize("name", ["_mine", "", "-mine", None, "two words"])
def test_the_name_of_a_maker_begins_with_a_letter_or_digit(name: Any) -> None:
    says = (f"name of Mine is {name!r}", "must be one word of letters", "give as 'my-maker'")
    refused(lambda: type("Mine", (Probe,), {"name": name}), ValueError, *says)


def test_a_class_without_a_letter_in_its_name_needs_one() -> None:
    says = ("name of __ is ''", "begins with a letter or digit", "give as 'my-maker'")
    refused(lambda: type("__", (Probe,), {}), ValueError, *says)


def test_a_private_class_is_called_by_its_name_without_the_underscore() -> None:
    kind: Any = type("_LessCautious", (Probe,), {})
    assert kind.name == "less-cautious"


class Trusting(MarketMaker):
    """Reads her belief without asking whether she has one."""

    def quote(self) -> Quote:
        belief: Any = self.belief
        return Quote.around(belief.mean, 1.0)


def test_a_belief_that_is_read_but_missing_is_told() -> None:
    says = ("maker 'trusting' raised an error when she quoted", "she has no belief", "give belief=")
    refused(lambda: Exchange(partial(Trusting, belief=None)).run(1), MakerError, *says)


def test_what_else_is_none_is_not_taken_for_a_belief() -> None:
    for says in (lambda: None.last, lambda: GaussianBelief(None.mean, 1.0)):  # type: ignore[attr-defined]
        for belief in (None, "gaussian"):
            market = Exchange(partial(Probe, says=says, belief=belief))
            with pytest.raises(MakerError, match="has no attribute") as caught:
                market.run(4)
            told = belief is None and "mean" in str(caught.value)
            assert ("has no belief" in str(caught.value)) == told


@pytest.mark.parametrize("before", ["", "move", "move ask"])
@pytest.mark.parametrize("process", ["fixed", "redrawn"])
def test_a_period_takes_its_steps_in_order(before: str, process: str) -> None:
    market = Exchange("optimal", value=process).run(1)
    for step in before.split():
        getattr(market, step)()
    due = {"": "move", "move": "ask", "move ask": "clear"}[before]
    value = market.value.copy()
    for step in {"move", "ask", "clear"} - {due}:
        refused(
            getattr(market, step), RuntimeError, f"{step}() is not what comes next in period 1",
            f"{due}() is", "step() for all",
        )  # fmt: skip
    assert np.array_equal(market.value, value)
    getattr(market, due)()


@pytest.mark.parametrize("name", ["rng", "replications", "block"])
def test_a_count_may_be_a_numpy_integer(name: str) -> None:
    plain: dict[str, Any] = {name: 3}
    numpy: dict[str, Any] = {name: np.int64(3)}
    one, other = (Exchange("optimal", **settings).run(3).tape.market for settings in (plain, numpy))
    assert one.equals(other)


@pytest.mark.parametrize("value", [0, -1, 2**31])
def test_replications_must_be_in_range(value: int) -> None:
    says = (f"replications is {value}", f"must be at least 1 and at most {2**31 - 1}", RANGE)
    refused(lambda: Exchange("optimal", replications=value), ValueError, *says)


@pytest.mark.parametrize(
    ("block", "replications", "most"), [(-1, 1, 2**31 - 2), (214_748, 10_000, 214_747)]
)
def test_a_block_must_be_in_range(block: int, replications: int, most: int) -> None:
    refused(
        lambda: Exchange("optimal", block=block, replications=replications),
        ValueError,
        f"block is {block}",
        f"must be at least 0 and at most {most}",
        RANGE,
    )


@pytest.mark.parametrize(
    ("name", "value", "fix"),
    [
        ("value", "fixt", "did you mean 'fixed'? known: fixed, redrawn"),
        ("value", "mars", "known: fixed, redrawn"),
        ("transparency", "pubic", "did you mean 'public'? known: own, public"),
        ("record", "sumary", "did you mean 'summary'? known: full, none, summary"),
    ],
)
def test_a_setting_must_be_a_known_name(name: str, value: Any, fix: str) -> None:
    settings: dict[str, Any] = {name: value}
    says = (f"{name} is {value!r}", "is unknown", fix)
    refused(lambda: Exchange("optimal", **settings), ValueError, *says)


@pytest.mark.parametrize("value", [None, 3.0, ["fixed"]])
def test_how_the_value_moves_is_a_word_or_a_process(value: Any) -> None:
    says = ("value is", "must be a process", 'give "fixed", "redrawn", or as Jumps(')
    refused(lambda: Exchange("optimal", value=value), TypeError, *says)


@pytest.mark.parametrize(
    "makers",
    [
        ["optimal", partial(FixedSpread, belief=GaussianBelief(0.0, 2.0))],
        ["optimal", partial(FixedSpread, belief=GaussianBelief(1.0, 1.0))],
        [partial(FixedSpread, belief=GridBelief(0.0, 1.0))],
        ["optimal", partial(FixedSpread, belief=GridBelief(0.0, 1.0))],
        [partial(Probe, belief=None)],
    ],
    ids=["other sd", "other mean", "grid", "one grid", "none"],
)
def test_the_gaussian_world_needs_one_gaussian_belief(makers: Any) -> None:
    says = ('value is "redrawn"', SHARED, ONE_PRIOR)
    refused(lambda: Exchange(makers, value="redrawn"), ValueError, *says)


def test_the_gaussian_world_ends_when_beliefs_part() -> None:
    market = Exchange(
        ["optimal", "zero-profit"], prior_sd=3.0, value="redrawn", transparency="own", rng=1
    )
    refused(lambda: market.run(30), ValueError, 'value is "redrawn"', SHARED, ONE_PRIOR)
    first, second = market.makers
    assert first.require_belief().sd != second.require_belief().sd


@pytest.mark.parametrize("belief", ["gausian", "grid"])
def test_a_belief_must_be_a_known_name(belief: str) -> None:
    says = (f"belief is {belief!r}", "is unknown", "known: exact, gaussian")
    refused(lambda: Exchange(partial(FixedSpread, belief=belief)), ValueError, *says)


@pytest.mark.parametrize("kind", [GaussianBelief, GridBelief])
@pytest.mark.parametrize(
    ("mean", "sd", "value", "rule"),
    [
        (0.0, -1.0, "sd is -1.0", ABOVE_ZERO),
        (0.0, [1.0, NAN], "sd is nan", ABOVE_ZERO),
        (NAN, 1.0, "mean is nan", "must be finite"),
    ],
)
def test_a_belief_must_have_a_mean_and_a_positive_sd(
    kind: Any, mean: float, sd: Any, value: str, rule: str
) -> None:
    refused(lambda: kind(mean, sd), ValueError, value, rule, "give a")


@pytest.mark.parametrize(
    ("periods", "rule", "fix"),
    [(-1, "must be at least 0", RANGE), (40_000, "at most 32767", "give fewer, or an Exchange")],
)
def test_periods_must_be_in_range(periods: int, rule: str, fix: str) -> None:
    market = Exchange("optimal")
    refused(lambda: market.run(periods), ValueError, f"periods is {periods}", rule, fix)
    assert market.period == 0


@pytest.mark.parametrize("periods", [1.5, 2.0, True, None], ids=repr)
def test_periods_must_be_a_whole_number(periods: Any) -> None:
    market = Exchange("optimal")
    refused(lambda: market.run(periods), TypeError, f"periods is {periods!r}", WHOLE, INT)
    assert market.period == 0


def test_periods_already_run_count_against_the_most() -> None:
    market = Exchange("optimal").run(10)
    says = ("periods is 32760", "after 10 that have passed", "at most 32767")
    refused(lambda: market.run(32_760), ValueError, *says)


@pytest.mark.parametrize(
    ("quote", "error", "value", "rule", "fix"),
    [
        (Quote(NAN, 1.0), ValueError, "bid nan, ask 1.0", "neither NaN", DECLINE),
        (Quote(0.0, NAN), ValueError, "bid 0.0, ask nan", "neither NaN", DECLINE),
        (Quote(2.0, 1.0), ValueError, "bid 2.0, ask 1.0", ORDER, DECLINE),
        (Quote(0.0, [1.0, -1.0]), ValueError, "bid 0.0, ask -1.0", ORDER, DECLINE),
        (Quote(INF, INF), ValueError, "bid inf, ask inf", "must have", DECLINE),
        (Quote(-INF, -INF), ValueError, "bid -inf, ask -inf", "must have", DECLINE),
        (
            Quote([0.0] * 3, [1.0] * 3),
            ValueError,
            "a bid of shape (3,) and an ask of shape (3,)",
            "there are 2 replications",
            "give arrays of shape (2,), or scalars",
        ),
        (
            Quote([[0.0], [0.0]], 1.0),
            ValueError,
            "a bid of shape (2, 1)",
            "there are 2 replications",
            "give arrays of shape (2,), or scalars",
        ),
        ((0.0, 1.0), TypeError, "(0.0, 1.0)", "must return a Quote", "return Quote(bid, ask)"),
        (None, TypeError, "None", "must return a Quote", "return Quote(bid, ask)"),
    ],
    ids=[
        "NaN bid",
        "NaN ask",
        "crossed",
        "crossed in one replication",
        "bid of inf",
        "ask of -inf",
        "wrong shape",
        "a column",
        "a tuple",
        "nothing",
    ],
)
def test_a_quote_must_be_one_for_every_replication(
    quote: Any, error: type[Exception], value: str, rule: str, fix: str
) -> None:
    market = Exchange(["optimal", partial(Probe, says=quote)], replications=2, rng=1)
    refused(lambda: market.run(5), error, f"'probe' quoted in period 3 {value}", rule, fix)
    assert market.period == 3
    assert market.tape.market["period"].max() == 2


def test_a_crossed_quote_is_shown_with_its_replication() -> None:
    maker = partial(Probe, says=Quote(0.0, [1.0, -1.0]))
    with pytest.raises(ValueError, match="replication 1"):
        Exchange(maker, replications=2, rng=1).run(5)


def test_an_error_of_a_maker_names_her_and_the_period() -> None:
    market = Exchange(["optimal", Probe, partial(Probe, says=fails)], rng=1)
    market.makers[1].says = Quote(-1.0, 1.0)
    with pytest.raises(MakerError, match=r"'probe-2'.*period 3.*a mistake of hers") as caught:
        market.run(5)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert market.period == 3


class Unmade(Probe):
    """Does in __init__ what the test asks for."""

    name = "unmade"

    def __init__(self, model: Any, *, does: Any) -> None:
        super().__init__(model)
        does()


class Alone(MarketMaker):
    """Takes no model."""

    def __init__(self) -> None:
        pass

    def quote(self) -> Quote:
        return Quote(-1.0, 1.0)


class Orphan(Alone):
    """Does not begin with her parent's __init__."""

    def __init__(self, model: Any) -> None:
        pass


def attributeless() -> Any:
    return np.ones(3)


def mistaken() -> None:
    raise KeyError("what she forgot")


@pytest.mark.parametrize(
    ("does", "cause"),
    [
        (fails, "ZeroDivisionError: a mistake of hers"),
        (mistaken, "KeyError: 'what she forgot'"),
        (
            lambda: attributeless().nothing,
            "AttributeError: 'numpy.ndarray' object has no attribute",
        ),
    ],
    ids=["division", "key", "attribute"],
)
def test_an_error_while_a_maker_is_made_names_her_class(does: Any, cause: str) -> None:
    says = (f"maker {__name__}:Unmade could not be made", cause, "let __init__ take the model")
    refused(lambda: Exchange(["optimal", partial(Unmade, does=does)]), MakerError, *says)
    with pytest.raises(MakerError) as caught:
        Exchange(partial(Unmade, does=does))
    assert type(caught.value.__cause__).__name__ == cause.partition(":")[0]


@pytest.mark.parametrize("maker", [Alone, Orphan])
def test_a_maker_without_a_model_is_told_what_init_must_do(maker: Any) -> None:
    says = (f"maker {__name__}:{maker.__name__} could not be made", "let __init__ take the model",
            "begin with super().__init__(model)")  # fmt: skip
    refused(lambda: Exchange(["optimal", maker]), MakerError, *says)


def test_an_argument_that_init_does_not_know_is_named() -> None:
    says = ("maker abm.makers.myopic:Myopic could not be made", "TypeError: ", "'width'")
    wide: dict[str, Any] = {"width": 3}
    refused(lambda: Exchange(partial(Myopic, **wide)), MakerError, *says)


def test_a_value_that_a_maker_s_init_refuses_stays_a_value_error() -> None:
    def refuses() -> None:
        raise ValueError("width is -1, but must be above zero: give 1")

    with pytest.raises(ValueError, match=r"^width is -1, but must be above zero: give 1$"):
        Exchange(partial(Unmade, does=refuses))


def test_the_door_s_type_errors_stay_as_they_are() -> None:
    wide: Any = "wide"
    with pytest.raises(TypeError, match=r"^half_spread is 'wide', .*must be a number"):
        Exchange(partial(FixedSpread, half_spread=wide))


def test_an_error_of_a_maker_names_the_line_of_hers_that_it_passed_through() -> None:
    def through_numpy() -> Quote:
        return Quote(np.concatenate([1.0], axis=2.5), 1.0)  # type: ignore[call-overload]

    line = through_numpy.__code__.co_firstlineno + 1
    with pytest.raises(MakerError, match=rf"in period 3 \(test_bad_input\.py, line {line}\): "):
        Exchange(partial(Probe, says=through_numpy)).run(5)
