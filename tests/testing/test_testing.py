"""Conformance: every maker keeps the rules, and for every rule there is one who is caught."""

import math
import random
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from abm import GaussianBelief, Optimal, Quote, ZeroProfit
from abm.makers import MarketMaker, OneMarket, ScalarMaker
from abm.testing import RULES, BrokenRuleError, NonconformingError, check_maker, parametrize_makers
from abm.testing.rules import ALWAYS
from tests.files import ROOT
from tests.stubs import list_makers

PRICED = {"scales-with-the-noise": "her half-spread is in units of price"}
WAIVED = {"fixed-spread": PRICED}


SLOW = {"exact-optimal"}  # looks ahead at whole posteriors


@pytest.mark.parametrize("maker", [one for one in list_makers() if one not in SLOW], ids=str)
def test_registered_makers_keep_the_rules(maker: Any) -> None:
    check_maker(maker, waive=WAIVED.get(maker))


@pytest.mark.full
@pytest.mark.parametrize("maker", sorted(SLOW))
def test_registered_makers_that_take_long_keep_the_rules(maker: str) -> None:
    check_maker(maker)


@parametrize_makers(partial(Optimal, discount=0.5))
def test_a_partial_keeps_the_rules(maker: Any, rule: Any) -> None:
    rule(maker)


class Plain(MarketMaker):
    """Keeps every rule; those below break one each."""

    def quote(self) -> Quote:
        return Quote.around(self.require_belief().mean, self.reach())

    def reach(self) -> Any:
        return 2.0 * np.hypot(self.require_belief().sd, self.noise_sd)


class InScalars(Plain):
    def reach(self) -> Any:
        return super().reach() * (2.0 if self.inventory > 3 else 1.0)


class InFloats(Plain):
    def reach(self) -> Any:
        return super().reach() * math.exp(-0.1 * self.inventory**2)


class Crossed(Plain):
    def quote(self) -> Quote:
        quote = super().quote()
        return quote if self.last is None else Quote(quote.ask, quote.bid)


class NoPrice(Plain):
    def reach(self) -> Any:
        return np.where(self.require_belief().sd < 1.0, np.nan, super().reach())


class NoSpread(Plain):
    def reach(self) -> Any:
        return np.where(self.inventory > 0, 0.0, super().reach())


class Gregarious(Plain):
    def reach(self) -> Any:
        return super().reach() * (1 + 0.01 * np.abs(self.inventory).max())


class FirstAlone(Plain):
    def quote(self) -> Quote:
        mean = np.broadcast_to(self.require_belief().mean[0], self.require_belief().mean.shape)
        return Quote.around(mean, self.reach())


class Forgetful(Plain):
    def quote(self) -> Quote:
        quote = super().quote()
        self.belief = GaussianBelief(self.require_belief().mean, 0.99 * self.require_belief().sd)
        return quote


class Meddling(Plain):
    def quote(self) -> Quote:
        self.inventory = 0.5 * self.inventory
        return super().quote()


class Lagging(Plain):
    def quote(self) -> Quote:
        return Quote.around(0.9 * self.require_belief().mean, self.reach())


class InDollars(Plain):
    def reach(self) -> Any:
        return super().reach() + 0.01


class Gambler(Plain):
    def reach(self) -> Any:
        return super().reach() * (1 + 0.1 * np.random.uniform())  # noqa: NPY002


class Punter(Plain):
    def reach(self) -> Any:
        return super().reach() * (1 + 0.1 * random.random())


class Mesan(Plain):
    """Draws from Mesa's generator of arrays, which no other replication shares."""

    def reach(self) -> Any:
        return super().reach() * (1 + 0.1 * self.rng.random(self.terms.replications))


class Public(Plain):
    def reach(self) -> Any:
        return super().reach() * (1 + 0.1 * self.model.rng.random())


class Tosser(Plain):
    def reach(self) -> Any:
        return super().reach() * (1 + 0.1 * self.random.random())


class Dealt(Plain):
    """Makes a generator of her own from the model's, and draws once for all replications."""

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        self.own = np.random.default_rng(model.rng.integers(2**32))

    def reach(self) -> Any:
        return super().reach() * (1 + 0.1 * self.own.random())


class Mixing(Plain):
    """Draws as she should, and seldom."""

    def reach(self) -> Any:
        return super().reach() * np.where(self.draws.uniform() < 0.1, 1.5, 1.0)


class Unseeded(Plain):
    def reach(self) -> Any:
        return super().reach() * (1 + 0.1 * np.random.default_rng().uniform())


class Gossip(Plain):
    heard: list[float] = []  # noqa: RUF012, which is her fault

    def reach(self) -> Any:
        self.heard.append(1.0)
        return super().reach() * (1 + 0.001 * len(self.heard))


class Entangled(Plain):
    def __init__(self, model: Any) -> None:
        super().__init__(model)
        self.factor: Any = lambda: 2.0

    def reach(self) -> Any:
        return self.factor() * super().reach()


class Amnesiac(Plain):
    def __init__(self, model: Any) -> None:
        super().__init__(model)
        self.periods = 0

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"periods": 0}

    def reach(self) -> Any:
        self.periods += 1
        return super().reach() * (1 + 0.1 * self.periods)


class Insider(Plain):
    def quote(self) -> Quote:
        return Quote.around(
            self.require_belief().mean + 0.1 * np.tanh(self.model.value), self.reach()
        )


class Greedy(ZeroProfit):
    def quote(self) -> Quote:
        quote = super().quote()
        return Quote(quote.bid, quote.ask + 0.2 * self.noise_sd)


class Aloof(Plain):
    zero_profit = True

    def reach(self) -> Any:
        return 9.0 * np.hypot(self.require_belief().sd, self.noise_sd)


class Lopsided(Plain):
    symmetric = True

    def quote(self) -> Quote:
        quote = super().quote()
        return Quote(quote.bid - 0.1 * self.noise_sd, quote.ask)


class Eavesdropper(Plain):
    def quote(self) -> Quote:
        overheard = 0.0 if self.last is None else 0.1 * np.tanh(self.model.clearing.valuation)
        return Quote.around(
            self.require_belief().mean + overheard * (self.last is not None), self.reach()
        )


class Careless(Plain):
    def settle(self, units: Any, price: Any) -> None:
        pass


class Upside(Plain):
    def settle(self, units: Any, price: Any) -> None:
        super().settle(-units, price)


class Deaf(Plain):
    """Keeps what she is shown, and learns nothing from it."""

    def observe(self, view: Any) -> None:
        self.seen = view


class Unbelieving(MarketMaker):
    """Has no belief, and so need not learn."""

    def __init__(self, model: Any) -> None:
        super().__init__(model, belief=None)

    def observe(self, view: Any) -> None:
        self.last = view

    def quote(self) -> Quote:
        return Quote.around(self.terms.prior.mean, 2.0 * self.noise_sd)


class Hasty(Plain):
    """Undercuts her rivals without end."""

    def quote(self) -> Quote:
        if self.last is None or self.last.others is None or not self.last.others:
            return super().quote()
        step = 0.05 * self.noise_sd
        bid, ask = self.last.rivals.bid, self.last.rivals.ask
        own = super().quote()
        return Quote(np.maximum(bid + step, own.bid), np.minimum(ask - step, own.ask))


class Tiring(Plain):
    def __init__(self, model: Any) -> None:
        super().__init__(model)
        self.periods = 0

    def observe(self, view: Any) -> None:
        super().observe(view)
        self.periods += 1

    def reach(self) -> Any:
        return super().reach() * (np.nan if self.periods > 20 else 1.0)


class Presuming(Plain):
    """Takes all traders for the paper's, of whose law she reads a part that others have not."""

    def reach(self) -> Any:
        return 2.0 * np.hypot(self.require_belief().sd, self.law.noise.sd)  # type: ignore[attr-defined]


class Vandal(Plain):
    def quote(self) -> Quote:
        if self.last is not None:
            bid = self.last.inside.bid
            bid -= 0.1
        return super().quote()


class Declining(ZeroProfit):
    """Stands aside while she knows too little: symmetric and without profit all the same."""

    name = "declining"

    def quote(self) -> Quote:
        quote = super().quote()
        aside = self.rho > 1.5
        return Quote(np.where(aside, -np.inf, quote.bid), np.where(aside, np.inf, quote.ask))


class Skewed(ZeroProfit):
    """Gains on buys what she loses on sells."""

    name = "skewed"
    symmetric = False

    def quote(self) -> Quote:
        quote = super().quote()
        return Quote(quote.bid + 0.1 * quote.spread, quote.ask + 0.1 * quote.spread)


class Shy(ScalarMaker):
    def quote_one(self, now: OneMarket, memory: dict[str, Any]) -> tuple[float, float]:  # noqa: ARG002
        reach = math.hypot(now.belief_sd, now.noise_sd) * (2.0 if now.inventory > 1 else 1.5)
        return now.belief_mean - reach, now.belief_mean + reach


BREAKERS = [
    ("answers-with-arrays", InScalars, "np.where"),
    ("answers-with-arrays", InScalars, "ScalarMaker"),
    ("answers-with-arrays", InFloats, "ScalarMaker"),
    ("quotes-are-prices", Crossed, "bid <= ask"),
    ("quotes-are-prices", NoPrice, "nan"),
    ("quotes-are-prices", NoSpread, "not below the ask"),
    ("replications-are-apart", Gregarious, "of three differs"),
    ("replications-are-apart", FirstAlone, "of three differs"),
    ("quoting-changes-nothing", Forgetful, "belief's sd"),
    ("quoting-changes-nothing", Meddling, "inventory"),
    ("moves-with-the-mean", Lagging, "did not move"),
    ("scales-with-the-noise", InDollars, "4 times as large"),
    ("leaves-shared-randomness-alone", Gambler, "use self.draws"),
    ("leaves-shared-randomness-alone", Punter, "self.draws"),
    ("leaves-shared-randomness-alone", Mesan, "Mesa's self.rng moved in period 0: use self.draws"),
    ("leaves-shared-randomness-alone", Public, "Mesa's self.rng moved"),
    ("leaves-shared-randomness-alone", Tosser, "Mesa's self.random moved"),
    ("draws-for-each-replication", Public, "once for all replications: use self.draws"),
    ("draws-for-each-replication", Tosser, "once for all replications: use self.draws"),
    ("draws-for-each-replication", Dealt, "once for all replications: use self.draws"),
    ("same-seed-same-quotes", Unseeded, "second run"),
    ("same-seed-same-quotes", Gossip, "keep state in self"),
    ("survives-pickling", Entangled, "cannot be pickled"),
    ("survives-pickling", Amnesiac, "once restored"),
    ("cannot-see-what-is-hidden", Insider, "behind the same trades"),
    ("cannot-see-what-is-hidden", Eavesdropper, "behind the same trades"),
    ("books-what-she-trades", Careless, "but holds"),
    ("books-what-she-trades", Upside, "but holds"),
    ("learns-from-what-she-sees", Deaf, "call super().observe(view)"),
    ("honours-the-law", Presuming, "quote by self.law"),
    ("quotes-are-prices", Hasty, "bid <= ask"),
    ("quotes-are-prices", Tiring, "nan"),
    ("answers-with-arrays", Vandal, "read-only"),
    ("earns-nothing-if-so-declared", Greedy, "more than chance explains"),
    ("earns-nothing-if-so-declared", Skewed, "more than chance explains"),
    ("earns-nothing-if-so-declared", Aloof, "too few to tell"),
    ("is-symmetric-if-so-declared", Lopsided, "as far from the mean"),
]


FIRST_BREAKERS = list({rule: (rule, *rest) for rule, *rest in reversed(BREAKERS)}.values())
"""One for each rule: the first that breaks it."""


@pytest.mark.parametrize("maker", [Plain, Shy, Declining, Mixing, Unbelieving])
def test_one_who_keeps_all_rules_passes(maker: Any) -> None:
    check_maker(maker)


@pytest.mark.parametrize(("rule", "maker", "says"), BREAKERS)
def test_a_maker_that_breaks_a_rule_is_caught_by_it(rule: str, maker: Any, says: str) -> None:
    with pytest.raises(BrokenRuleError) as caught:
        RULES[rule](maker)
    assert says in str(caught.value)


def test_every_rule_has_a_maker_that_breaks_it() -> None:
    assert {rule for rule, _, _ in BREAKERS} == set(RULES)


def waive_all_but(rule: str) -> dict[str, str]:
    """Return waivers of all rules but this one, and those that every rule rests on."""
    return dict.fromkeys(RULES.keys() - {*ALWAYS, rule}, "it is tried elsewhere")


@pytest.mark.parametrize(("rule", "maker", "says"), FIRST_BREAKERS)
def test_the_report_names_rule_and_maker(rule: str, maker: Any, says: str) -> None:
    with pytest.raises(NonconformingError) as caught:
        check_maker(maker, waive=waive_all_but(rule))
    said = str(caught.value)
    assert f"- {rule}: {RULES[rule].__doc__}" in said
    assert maker.name in said
    assert says in said


def test_all_rules_that_are_broken_are_reported_with_belief_and_quote() -> None:
    class Both(Lagging):
        def reach(self) -> Any:
            return super().reach() + 0.01

    with pytest.raises(NonconformingError) as caught:
        check_maker(Both)
    said = str(caught.value)
    for rule in ("moves-with-the-mean", "scales-with-the-noise", "survives-pickling"):
        assert f"- {rule}: " in said
    assert "at belief mean" in said
    assert "she quotes bid" in said


def test_what_cannot_be_tried_is_said_once() -> None:
    class Broken(Plain):
        def quote(self) -> Quote:
            raise KeyError("a mistake of hers")

    with pytest.raises(NonconformingError) as caught:
        check_maker(Broken)
    said = str(caught.value)
    assert said.count("could not be tried") == 1
    assert "a mistake of hers" in said
    assert "period 0" in said


def test_a_rule_is_waived_for_a_reason() -> None:
    check_maker(InDollars, waive=waive_all_but("moves-with-the-mean"))
    with pytest.raises(NonconformingError):
        check_maker(InDollars, waive=waive_all_but("scales-with-the-noise"))


@pytest.mark.parametrize("reason", ["", "  ", None, True])
def test_a_waiver_without_a_reason_is_refused(reason: Any) -> None:
    with pytest.raises(ValueError, match="needs a written one"):
        check_maker(InDollars, waive={"scales-with-the-noise": reason})


def test_a_waiver_of_an_unknown_rule_is_refused_with_the_nearest() -> None:
    with pytest.raises(ValueError, match="did you mean 'scales-with-the-noise'"):
        check_maker(InDollars, waive={"scale-with-noise": "she trades in dollars"})


def test_a_waiver_of_a_maker_who_is_not_tried_is_refused() -> None:
    with pytest.raises(ValueError, match="did you mean 'plain'"):
        parametrize_makers(Plain, waive={"plan": PRICED})


def test_pytest_runs_every_rule_by_itself_and_skips_what_is_waived(tmp_path: Path) -> None:
    """A file of a user's, run by pytest."""
    file = tmp_path / "test_mine.py"
    file.write_text(
        "from tests.testing.test_testing import InDollars, Plain, waive_all_but\n"
        "from abm.testing import parametrize_makers\n"
        "rest = waive_all_but('scales-with-the-noise')\n"
        "odd = rest | {'moves-with-the-mean': 'she is odd'}\n"
        "@parametrize_makers(Plain, InDollars, waive={'plain': rest, 'in-dollars': odd})\n"
        "def test_rules(maker, rule):\n"
        "    rule(maker)\n"
    )
    command = [sys.executable, "-m", "pytest", "-rsf", "-p", "no:cacheprovider", str(file)]
    run = subprocess.run(
        [*command, "--rootdir", str(tmp_path), "-c", "/dev/null"],
        capture_output=True, text=True, check=False, cwd=ROOT, env={"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert f"1 failed, 5 passed, {2 * len(RULES) - 6} skipped" in run.stdout, run.stdout
    assert "she is odd" in run.stdout
    assert "test_rules[in-dollars-scales-with-the-noise]" in run.stdout
