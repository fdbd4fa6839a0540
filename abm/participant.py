"""The Mesa agent that makers and traders are."""

from collections.abc import Iterator
from itertools import count
from weakref import WeakKeyDictionary

import mesa


class _Numbers(WeakKeyDictionary[mesa.Model, Iterator[int]]):
    def __getitem__(self, model: mesa.Model) -> Iterator[int]:
        return self.setdefault(model, count(1))


class Participant(mesa.Agent):
    """A Mesa agent whose model can be forgotten.

    Mesa 3.3 numbers agents from a table that would keep every model, and so its tape, alive for
    as long as the program runs; this one lets go of them. Later versions have no such table.
    """

    _ids = _Numbers()
