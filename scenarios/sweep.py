"""Any grid of makers and terms: profit and liquidity at each point, and between makers.

Exchanges at all points face the same values and the same traders, so makers are compared market by
market. Lists are given with commas; makers joined by "+" share an exchange.
"""

from typing import Annotated

from typer import Option

from abm.experiment import Experiment, grid
from abm.experiment.experiment import BLOCK, Markets, Target
from abm.runs.folder import RunFolder
from analysis import Run
from analysis.results import comparisons, format_estimates, results
from scenarios._common.study import (
    Discount,
    How,
    Out,
    Periods,
    Replications,
    Resume,
    Seed,
    Verify,
    Workers,
    carried_out,
    numbers,
    words,
    write_tables,
)
from scenarios._common.terminal import say, show_table

WORDS = ["makers", "maker", "first", "second", "world", "transparency", "metric"]  # text in tables


def run(
    makers: Annotated[
        str, Option(help="Names with commas; with + those who share an exchange.")
    ] = "optimal,myopic,zero-profit",
    prior_sd: Annotated[str, Option(help="Sizes of the shock, with commas.")] = "1,3,5",
    noise_sd: Annotated[str, Option(help="Sds of valuations, with commas.")] = "1",
    world: Annotated[str, Option(help="real, gaussian, or both with a comma.")] = "real",
    transparency: Annotated[str, Option(help="public, own, or both.")] = "public",
    replications: Replications = BLOCK,
    discount: Discount = 0.9,
    seed: Seed = 0,
    periods: Periods = 100,
    block: Annotated[int, Option(help="Markets simulated at once.")] = BLOCK,
    record: Annotated[str, Option(help="summary, or full for every period of all.")] = "summary",
    until_se: Annotated[
        float | None, Option(help="Add blocks to each point until the s.e. is below this.")
    ] = None,
    metric: Annotated[str, Option(help="Whose s.e. that is.")] = "discounted_profit",
    at_most: Annotated[int, Option(help="Markets a point, whatever the s.e.")] = 1_000_000,
    out: Out = "runs/sweep",
    workers: Workers = "1",
    resume: Resume = False,
    verify: Verify = False,
) -> None:
    """Sweep a grid of makers and terms."""
    points = grid(
        makers=[one.split("+") for one in words(makers)],
        prior_sd=numbers("prior_sd", prior_sd),
        noise_sd=numbers("noise_sd", noise_sd),
        world=words(world),
        transparency=words(transparency),
    )
    if until_se is None and (metric, at_most) != (Target(1.0).metric, Target(1.0).at_most):
        raise ValueError(
            "metric and at_most have no effect without a target: give --until-se, or leave them out"
        )
    target = None if until_se is None else Target(until_se, metric, at_most)
    experiment = Experiment(
        points, Markets(discount, record), replications=replications, periods=periods, seed=seed,
        block=block, target=target,
    )  # fmt: skip
    parameters = {
        "makers": makers, "prior_sd": prior_sd, "noise_sd": noise_sd, "world": world,
        "transparency": transparency, "replications": replications, "discount": discount,
        "seed": seed, "periods": periods, "block": block, "record": record,
    }  # fmt: skip
    if target:
        parameters |= {"until_se": until_se, "metric": metric, "at_most": at_most}
    log = carried_out("sweep", experiment, parameters, How(out, workers, resume, verify), write)
    say("Means with 95 % confidence intervals:")
    show_table(format_estimates(log.csv("results.csv", WORDS)))
    if target:
        say(_reached(log, target))
    if len(differences := log.csv("comparisons.csv", WORDS)):
        say("Differences, market by market:")
        show_table(format_estimates(differences))
    say(
        f"Blocks, summary.parquet, results.csv and comparisons.csv are in {out}; "
        f"market-shock report {out} makes a page of them"
    )


def write(folder: RunFolder, log: Run) -> None:
    """Write what came of the grid."""
    write_tables(folder, {"results": results(log), "comparisons": comparisons(log)})


def _reached(log: Run, target: Target) -> str:
    """Return a sentence on the points whose standard errors are below the target."""
    table = log.csv("results.csv", WORDS)
    errors = (
        table[table["metric"] == target.metric]
        .groupby(log.varying_parameters or "metric")["se"]
        .max()
    )
    below = int((errors <= target.se).sum())
    said = f"The s.e. of {target.metric} is below {target.se} at {below} of {len(errors)} points"
    return said if below == len(errors) else f"{said}: others have as many markets as --at-most"
