"""What Mesa's data collector gives of every period: means over the replications."""

from __future__ import annotations

from typing import Any

from mesa import DataCollector

from abm.runs.metrics import OF_MARKET, list_headlines


class Headlines(DataCollector):
    """A collector of the market's headlines, for Mesa's own plots and `mesa.batch_run`.

    It is filled from the tape when it is read, and costs nothing until then. Beside the headlines
    stands how many traders have arrived, because `batch_run` runs one period more than its
    `max_steps` before Mesa 3.5, and numbers them otherwise.

    Parameters
    ----------
    market : Model
        The exchange, whose tape is read.
    """

    def __init__(self, market: Any) -> None:
        self._market = market
        self._arrived: list[int] = []
        super().__init__()
        self._means: dict[str, list[float]] = {name: [] for name in list_headlines(OF_MARKET)}
        self.model_reporters = {"arrived": "period"} | {name: name for name in self._means}

    @property
    def model_vars(self) -> dict[str, list[Any]]:
        """How many had arrived by each period, and the means of its headlines."""
        self._read_tape()
        return {"arrived": self._arrived} | self._means

    @model_vars.setter
    def model_vars(self, given: dict[str, list[Any]]) -> None:
        """Take the empty ones that Mesa begins with for what they are."""

    @property
    def _collection_steps(self) -> list[int]:
        """When, by Mesa's time, each period was collected; `batch_run` asks since Mesa 3.5."""
        self._read_tape()
        return self._arrived

    @_collection_steps.setter
    def _collection_steps(self, given: list[int]) -> None:
        """Take the empty one that Mesa begins with for what it is."""

    def _read_tape(self) -> None:
        """Take in the periods that the tape has gained."""
        known, tape = len(self._arrived), self._market.tape
        for name, means in self._means.items():
            means.extend(tape.average(name, known))
        self._arrived.extend(range(known + 1, tape.periods + 1))
