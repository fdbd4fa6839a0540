"""What came of many trials: counted, and what was wrong with some."""

import sys
from collections import Counter
from collections.abc import Sequence
from typing import Protocol


class Tried(Protocol):
    """A trial that was made."""

    @property
    def ending(self) -> str:
        """What was tried and how it ended, as it is counted."""

    @property
    def subject(self) -> str:
        """What was tried, in more detail."""

    @property
    def wrong(self) -> str:
        """What is wrong with how it ended; empty if nothing is."""


def print_tally(trials: Sequence[Tried]) -> None:
    """Print how often trials ended how and what was wrong, and exit with 1 if anything was."""
    for ending, count in sorted(Counter(trial.ending for trial in trials).items()):
        print(f"{count:5} {ending}")
    wrong = [trial for trial in trials if trial.wrong]
    for trial in wrong:
        print(f"WRONG, {trial.subject}: {trial.wrong}")
    sys.exit(f"{len(wrong)} of {len(trials)} are wrong" if wrong else 0)
