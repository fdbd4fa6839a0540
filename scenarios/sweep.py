"""Any grid of makers, traders and terms: profit and liquidity at each point, and between makers.

Exchanges at all points face the same values and the same draws of traders, so makers are compared
market by market. Lists are separated by commas; makers joined by "+" share an exchange.
"""

from typing import Annotated

from typer import Option

from abm.experiment import Experiment, Simulation, Target, grid
from abm.experiment.experiment import BLOCK
from abm.runs.folder import RunFolder
from analysis import Run
from analysis.results import comparisons, format_estimates, results
from scenarios._common import options as option
from scenarios._common.options import RunOptions, parse_numbers, split_commas
from scenarios._common.study import run_study, write_tables
from scenarios._common.terminal import say, show_table

TEXT_COLUMNS = [
    "makers", "traders", "maker", "first", "second", "world", "transparency", "metric"
]  # fmt: skip


def run(
    makers: Annotated[
        str, Option(help="Names or module:Class, separated by commas; + joins those who compete.")
    ] = "optimal,myopic,zero-profit",
    traders: Annotated[
        str, Option(help="Trader types, names or module:Class, separated by commas.")
    ] = "noisy",
    prior_sd: option.Shocks = "1,3,5",
    noise_sd: Annotated[
        str, Option(help="Sds of valuations about the value, separated by commas.")
    ] = "1",
    world: Annotated[str, Option(help="real, gaussian, or both, separated by a comma.")] = "real",
    transparency: Annotated[
        str, Option(help="public, own, or both, separated by a comma.")
    ] = "public",
    replications: option.Replications = BLOCK,
    discount: option.Discount = 0.9,
    seed: option.Seed = 0,
    periods: option.Periods = 100,
    block: Annotated[int, Option(help="Markets in a block, simulated at once.")] = BLOCK,
    record: Annotated[str, Option(help="summary, or full to keep every period.")] = "summary",
    until_se: Annotated[
        float | None,
        Option(help="Add blocks to each point until the standard error is below this."),
    ] = None,
    metric: Annotated[
        str, Option(help="The metric with that standard error.")
    ] = "discounted_profit",
    at_most: Annotated[
        int, Option(help="Most markets at a point, whatever the standard error.")
    ] = 1_000_000,
    out: option.Out = "runs/sweep",
    workers: option.Workers = "1",
    resume: option.Resume = False,
    verify: option.Verify = False,
) -> None:
    """Run a grid of makers, traders and terms."""
    points = grid(
        makers=[word.split("+") for word in split_commas(makers)],
        traders=split_commas(traders),
        prior_sd=parse_numbers("prior_sd", prior_sd),
        noise_sd=parse_numbers("noise_sd", noise_sd),
        world=split_commas(world),
        transparency=split_commas(transparency),
    )
    if until_se is None and (metric, at_most) != (Target(1.0).metric, Target(1.0).at_most):
        raise ValueError(
            "metric and at_most have no effect without a target: give --until-se, or leave them out"
        )
    target = None if until_se is None else Target(until_se, metric, at_most)
    experiment = Experiment(
        points, Simulation(discount, record), replications=replications, periods=periods, seed=seed,
        block=block, target=target,
    )  # fmt: skip
    parameters = {
        "makers": makers, "traders": traders, "prior_sd": prior_sd, "noise_sd": noise_sd,
        "world": world, "transparency": transparency, "replications": replications,
        "discount": discount, "seed": seed, "periods": periods, "block": block, "record": record,
    }  # fmt: skip
    if target:
        parameters |= {"until_se": until_se, "metric": metric, "at_most": at_most}
    options = RunOptions(out, workers, resume, verify)
    log = run_study("sweep", experiment, parameters, options, write)
    say("Means with 95 % confidence intervals:")
    show_table(format_estimates(log.csv("results.csv", TEXT_COLUMNS)))
    if target:
        say(_describe_precision(log, target))
    if len(differences := log.csv("comparisons.csv", TEXT_COLUMNS)):
        say("Differences, market by market:")
        show_table(format_estimates(differences))
    say(
        f"Blocks, summary.parquet, results.csv and comparisons.csv are in {out}; "
        f"market-shock report {out} makes a page of them"
    )


def write(folder: RunFolder, log: Run) -> None:
    """Write results by point, and comparisons between makers."""
    write_tables(folder, {"results": results(log), "comparisons": comparisons(log)})


def _describe_precision(log: Run, target: Target) -> str:
    """Return a sentence: at how many points the standard error is below the target."""
    table = log.csv("results.csv", TEXT_COLUMNS)
    errors = (
        table[table["metric"] == target.metric]
        .groupby(log.varying_parameters or "metric")["se"]
        .max()
    )
    below = int((errors <= target.se).sum())
    text = f"The s.e. of {target.metric} is below {target.se} at {below} of {len(errors)} points"
    return text if below == len(errors) else f"{text}: others have as many markets as --at-most"
