"""The fit of the value of exact beliefs: it converges, is reproduced, and samples hardly matter."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from abm import GridBelief, Quote
from abm.beliefs.points import PointBelief
from abm.bellman import NotConvergedError, solve
from abm.bellman.exact import fit as fitting
from abm.bellman.exact.fit import LAW, fit, main, sample_beliefs
from abm.bellman.exact.lookahead import backup
from abm.bellman.exact.quotes import best_quote
from abm.bellman.exact.value import FITTED, KNOTS, SHAPES, ExactValue, load_fitted
from abm.numerics.arrays import Array

pytestmark = pytest.mark.slow

DISCOUNT = 0.9


@pytest.fixture(scope="module")
def other() -> ExactValue:
    """Return a value function that was fitted to another, smaller sample."""
    return fit(DISCOUNT, markets=200, periods=6, seed=2)


@pytest.fixture(scope="module")
def beliefs() -> list[PointBelief]:
    """Return beliefs of yet another sample."""
    return sample_beliefs(solve(DISCOUNT), 60, 4, 77)


def on(value: ExactValue, belief: PointBelief, quote: Quote) -> Array:
    """Return what quotes are worth if U is what follows."""
    found = np.empty(len(belief.mean))
    for window in belief.windows:
        at = window.rows
        found[at] = backup(value, window, LAW, quote.bid[at], quote.ask[at])
    return found


def worth_now(value: ExactValue, belief: PointBelief) -> Array:
    found = np.empty(len(belief.mean))
    for window in belief.windows:
        found[window.rows] = value.of(window, 1.0)
    return found


@pytest.mark.full
def test_a_fit_of_the_kept_size_is_what_is_kept() -> None:
    np.testing.assert_allclose(
        fit(DISCOUNT).coefficients, load_fitted(DISCOUNT).coefficients, rtol=0, atol=2e-6
    )


def test_a_fit_to_another_sample_leads_to_quotes_as_good(
    other: ExactValue, beliefs: list[PointBelief]
) -> None:
    kept = load_fitted(DISCOUNT)
    assert abs(other.coefficients - kept.coefficients).max() > 0.01
    for belief in beliefs:
        best, theirs = (best_quote(value, belief, LAW) for value in (kept, other))
        loss = on(kept, belief, best) - on(kept, belief, theirs)
        assert loss.max() < 1e-3
        assert loss.mean() < 1e-4


@pytest.mark.parametrize("discount", [0.9, 0.95, 0.99])
def test_a_fitted_value_nearly_solves_the_optimality_equation(discount: float) -> None:
    """Far more nearly than the value of the Gaussian world does."""
    value = load_fitted(discount)
    plain = ExactValue(discount, np.zeros_like(value.coefficients))
    residuals: list[Array] = []
    gaussian: list[Array] = []
    for belief in sample_beliefs(solve(discount), 100, 4, 78):
        for one, found in ((value, residuals), (plain, gaussian)):
            quote = best_quote(one, belief, LAW)
            found.append(on(one, belief, quote) - worth_now(one, belief))
    fits, misses = (np.concatenate(found).std() for found in (residuals, gaussian))
    assert fits < 0.5 * misses
    assert fits < 0.005


def test_every_discount_that_is_kept_can_be_had() -> None:
    table = pd.read_csv(FITTED)
    for discount, rows in table.groupby("discount"):
        value = load_fitted(float(str(discount)))
        assert value.discount == discount
        assert rows["sd"].tolist() == KNOTS[1:-1].tolist()
        assert (value.coefficients == rows[list(SHAPES)].to_numpy()).all()
    assert {0.9, 0.95, 0.99} <= set(table["discount"])


def test_samples_are_made_anew_from_their_seed(beliefs: list[PointBelief]) -> None:
    again, others = (sample_beliefs(solve(DISCOUNT), 60, 4, seed) for seed in (77, 78))
    assert len(beliefs) == 4
    for one, same, different in zip(beliefs, again, others, strict=True):
        assert (one.mean == same.mean).all()
        assert (one.mean != different.mean).all()
    low, high = fitting.PRIORS
    assert isinstance(beliefs[0], GridBelief)
    assert (beliefs[0].prior.sd > low).all()
    assert (beliefs[0].prior.sd < high).all()


def test_samples_hold_skewed_beliefs_of_all_sizes(beliefs: list[PointBelief]) -> None:
    sd, skewness = (
        np.concatenate([getattr(one, name) for one in beliefs]) for name in ("sd", "skewness")
    )
    assert sd.min() < 0.3
    assert sd.max() > 6
    assert abs(skewness).max() > 0.5
    assert abs(skewness.mean()) < 0.1


def test_policy_iteration_that_does_not_converge_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fitting, "ROUNDS", 1)
    says = r"discount 0\.9 still moves by .* after 1 policies: give more markets or another seed"
    with pytest.raises(NotConvergedError, match=says):
        fit(DISCOUNT, markets=40, periods=4)


def test_the_module_writes_what_it_fits_beside_what_is_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made_up = ExactValue(0.25, np.arange(25.0).reshape(5, 5))
    monkeypatch.setattr(fitting, "fit", lambda discount: ExactValue(discount, made_up.coefficients))
    monkeypatch.setattr(fitting, "FITTED", tmp_path / "value.csv")
    kept = pd.read_csv(FITTED)
    kept.to_csv(tmp_path / "value.csv", index=False)
    for discounts in (["0.25", "0.9"], ["0.25"]):
        main(discounts)
        table = pd.read_csv(tmp_path / "value.csv")
        assert table["discount"].is_monotonic_increasing
        for discount in (0.25, 0.9):
            rows = table[table["discount"] == discount]
            assert (rows[list(SHAPES)].to_numpy() == made_up.coefficients).all()
            assert rows["sd"].tolist() == KNOTS[1:-1].tolist()
        untouched = kept[kept["discount"] != 0.9]
        left = table[~table["discount"].isin([0.25, 0.9])]
        pd.testing.assert_frame_equal(left.reset_index(drop=True), untouched.reset_index(drop=True))
    assert "fitted discount 0.9" in capsys.readouterr().out


@pytest.mark.parametrize("discount", ["1", "-0.1"])
def test_a_discount_out_of_range_is_refused(discount: str) -> None:
    with pytest.raises(ValueError, match="but must be at least 0 and below 1"):
        main([discount])
