"""The figures: one function each, from tables of a log to a matplotlib Figure.

Bands and bars are 95 % confidence intervals over replications. Exhibits are those of Das and
Magdon-Ismail (2008). Prices are in units of the noise sd. Every function draws on a figure of its
own, or on matplotlib axes that are given as `ax`, and returns the figure.
"""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.canvas import Ax, finish_figure, make_panels, with_settings
from analysis.columns import MAKERS, MARKET, require_rows
from analysis.facets import draw_lines, find_bars, label_plainly
from analysis.style import ACCENT, FAINT, INK, assign_styles

Table = pd.DataFrame

WORLDS = {"fixed": "real", "redrawn": "Gaussian"}
REALISED = 'metrics.estimates(totals, "realised", ["maker", "process", "prior_sd"])'
PAPER = "run.table({!r}) of market-shock run paper"
SIZE = (6.4, 4.6)  # of a figure with one panel, in inches
DRAWN_ABOVE = 1e-3  # of its peak: where a density is drawn


@with_settings
def posteriors(curves: Table, *, ax: Ax = None) -> Figure:
    """Draw the exact and the Gaussian belief of one market after some signals (Fig. 1).

    Parameters
    ----------
    curves : DataFrame
        Columns period (how many signals came before), value, exact, gaussian (densities).
    ax : Axes or sequence of Axes, optional
        Axes to draw on, one for each period.
    """
    require_rows(
        "curves", curves, ["period", "value", "exact", "gaussian"], PAPER.format("posteriors")
    )
    periods = sorted(curves["period"].unique())
    size, count = (3.2 * len(periods), 3.4), len(periods)
    figure, panels = make_panels(size, ax, 1, count, count, share=False)
    for axes, period in zip(panels, periods, strict=True):
        curve = curves[curves["period"] == period]
        curve = curve[curve["exact"] > DRAWN_ABOVE * curve["exact"].max()]
        value, exact, gaussian = (curve[name] for name in ("value", "exact", "gaussian"))
        axes.plot(value, exact, color=INK, label="exact posterior")
        axes.plot(value, gaussian, "--", color=ACCENT, label="Gaussian update")
        title = f"after {period} signal{'' if period == 1 else 's'}"
        axes.set(title=title, xlabel="value (noise sd)", ylim=(0, None))
    panels[0].set_ylabel("density (1 / noise sd)")
    return finish_figure(figure, panels)


@with_settings
def discounted_profit(realised: Table, theory: Table, *, ax: Ax = None) -> Figure:
    """Draw realised and theoretical discounted profit against the size of the shock (Fig. 3a).

    Parameters
    ----------
    realised : DataFrame
        Columns maker, process, prior_sd, mean, low, high; the optimal maker's mean includes the
        value of her last belief, so that the number of periods does not matter.
    theory : DataFrame
        Columns prior_sd, value: the value function.
    """
    needed = ["maker", "process", "prior_sd", "mean", "low", "high"]
    require_rows("realised", realised, needed, REALISED)
    require_rows("theory", theory, ["prior_sd", "value"], PAPER.format("theory"))
    figure, (axes,) = make_panels(SIZE, ax)
    axes.plot(theory["prior_sd"], theory["value"], color=INK, lw=1, label="theory, W(σ)")
    styles = assign_styles(realised["maker"])
    for (maker, process), points in realised.groupby(["maker", "process"], observed=True):
        style = styles[str(maker)]
        axes.errorbar(
            points["prior_sd"], points["mean"], find_bars(points), fmt=style.marker, ms=5,
            color=style.colour, mfc="white" if process == "redrawn" else style.colour, capsize=2,
            label=f"{maker}, {WORLDS[str(process)]} world", zorder=3 if maker == "optimal" else 2,
        )  # fmt: skip
    axes.axhline(0, color=FAINT, lw=0.8)
    axes.set(xlabel="sd of the shock, σ (noise sd)", ylabel="discounted profit (noise sd)")
    return finish_figure(figure, [axes])


@with_settings
def spread_by_rho(policies: Table, crossing: float, *, ax: Ax = None) -> Figure:
    """Draw each maker's spread against her information disadvantage (Fig. 3b).

    Parameters
    ----------
    policies : DataFrame
        Columns maker, rho, spread.
    crossing : float
        The rho beyond which the optimal maker is tighter than the zero-profit one; not drawn
        if NaN.
    """
    require_rows("policies", policies, ["maker", "rho", "spread"], PAPER.format("policies"))
    figure, (axes,) = make_panels(SIZE, ax)
    styles = assign_styles(policies["maker"])
    for number, (maker, policy) in enumerate(policies.groupby("maker", observed=True)):
        style = styles[str(maker)].mark(number)
        axes.plot(policy["rho"], policy["spread"], label=maker, **style)
    if np.isfinite(crossing):
        top = axes.get_ylim()[1]
        axes.axvline(crossing, color=FAINT, lw=0.8)
        axes.annotate(f"ρ = {crossing:.2f}", (crossing, top), (4, -12), textcoords="offset points")
    axes.set(xlabel="information disadvantage, ρ (belief sd / noise sd)", xlim=(0, None))
    axes.set(ylabel="spread (noise sd)", ylim=(0, None))
    return finish_figure(figure, [axes])


@with_settings
def profit_by_period(estimates: Table, *, ax: Ax = None) -> Figure:
    """Draw each maker's mean profit in every period (Fig. 3c); columns of `metrics.by_period`."""
    figure, (axes,) = make_panels(SIZE, ax)
    draw_lines(axes, estimates)
    axes.axhline(0, color=FAINT, lw=0.8)
    axes.set(xlabel="period", ylabel="profit a period (noise sd)")
    return finish_figure(figure, [axes])


@with_settings
def spread_by_period(estimates: Table, *, ax: Ax = None) -> Figure:
    """Draw each maker's mean spread in every period (Fig. 4a); columns of `metrics.by_period`.

    Examples
    --------
    >>> from abm import Exchange
    >>> from analysis import metrics
    >>> log = Exchange("optimal", prior_sd=3.0, replications=50, rng=1).run(20).tape.makers
    >>> log["spread"] = metrics.spread(log)
    >>> spread_by_period(metrics.by_period(log, "spread")).savefig("spread.png")
    """
    figure, (axes,) = make_panels(SIZE, ax)
    draw_lines(axes, estimates)
    axes.set(xlabel="period", ylabel="spread (noise sd), log scale", yscale="log")
    label_plainly(axes.yaxis)
    return finish_figure(figure, [axes])


@with_settings
def no_trade_by_period(estimates: Table, *, ax: Ax = None) -> Figure:
    """Draw the probability of no trade in a period (Fig. 4b); columns of `metrics.by_period`."""
    figure, (axes,) = make_panels(SIZE, ax)
    draw_lines(axes, estimates)
    axes.set(xlabel="period", ylabel="probability of no trade", ylim=(0, 1))
    return finish_figure(figure, [axes])


@with_settings
def one_market(market: Table, makers: Table, *, ax: Ax = None) -> Figure:
    """Draw one replication over time: value, quotes, trades and belief.

    Parameters
    ----------
    market, makers : DataFrame
        Rows of one replication and one maker (columns: `abm.runs.schema.MARKET` and `MAKERS`).

    Raises
    ------
    ValueError
        If there are rows of several replications or makers.

    Examples
    --------
    >>> from abm import Exchange
    >>> tape = Exchange("optimal", prior_sd=3.0, rng=7).run(20).tape
    >>> one_market(tape.market, tape.makers).savefig("one-market.png")
    """
    require_rows("market", market, ["period", "value", "valuation", "bid", "ask", "side"], MARKET)
    require_rows(
        "makers", makers, ["period", "maker", "bid", "ask", "belief_mean", "belief_sd"], MAKERS
    )
    if len(market) != len(makers) or market["period"].duplicated().any():
        raise ValueError(
            f"there are {len(market)} rows of the market and {len(makers)} of makers, but the "
            f"figure needs one of each a period: pick one replication and one maker"
        )
    figure, (axes,) = make_panels((8, 4.8), ax)
    ((colour, *_),) = assign_styles(makers["maker"]).values()
    time, mean, sd = (makers[name] for name in ("period", "belief_mean", "belief_sd"))
    axes.fill_between(time, mean - 2 * sd, mean + 2 * sd, color=colour, alpha=0.15, lw=0,
                      step="mid", label="belief, mean ± 2 sd")  # fmt: skip
    axes.step(time, makers["ask"], where="mid", color=colour, lw=1, label="ask and bid")
    axes.step(time, makers["bid"], where="mid", color=colour, lw=1)
    axes.plot(time, market["value"], "--", color=INK, lw=1.2, label="value")
    axes.plot(time, market["valuation"], ".", ms=4, color=FAINT, label="trader's valuation")
    for side, price, marker, verb in ((1, "ask", "^", "buys"), (-1, "bid", "v", "sells")):
        trades = market[market["side"] == side]
        label = f"trader {verb}"
        axes.plot(trades["period"], trades[price], marker, ms=6, color=ACCENT, label=label)
    axes.set(xlabel="period", ylabel="price (noise sd)")
    return finish_figure(figure, [axes])
