"""The Mesa agent that makers and traders are."""

import re
from collections.abc import Iterator
from itertools import count
from typing import ClassVar
from weakref import WeakKeyDictionary

import mesa

from abm.participants.terms import PublicModel


class ParticipantError(RuntimeError):
    """A participant raised an error; it is the cause of this one."""


class _Numbers(WeakKeyDictionary[mesa.Model, Iterator[int]]):
    def __getitem__(self, model: mesa.Model) -> Iterator[int]:
        return self.setdefault(model, count(1))


class Participant(mesa.Agent):
    """A Mesa agent with a name, whose model can be garbage-collected.

    Mesa 3.3 numbers agents from a table that would keep every model, and so its tape, alive for
    as long as the program runs; this one holds them weakly. Later versions have no such table.

    Attributes
    ----------
    name : str
        What its class is called in logs and on the command line; the class's own name in
        kebab-case unless given, without underscores in front.
    label : str
        What it is called in this market; the second "optimal" is "optimal-2".
    terms : Terms
        The public terms of the market.
    role : str
        "maker" or "trader".
    failure : type
        The error that its errors become.
    attributes : tuple of str
        What its __init__ must have set.

    Raises
    ------
    ValueError
        When a class is defined whose name is not one word.
    """

    name: ClassVar[str]
    role: ClassVar[str]
    failure: ClassVar[type[ParticipantError]]
    attributes: ClassVar[tuple[str, ...]]
    label: str
    _ids = _Numbers()

    def __init__(self, model: PublicModel) -> None:
        super().__init__(model)
        self.terms = model.terms

    @property
    def period(self) -> int:
        """The number of this period, 0 for the first trader after the shock."""
        return self.model.period

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "name" not in vars(cls):
            cls.name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", cls.__name__.lstrip("_")).lower()
        require_name(cls.__name__, cls.name)


def require_name(whose: str, name: object) -> None:
    """Raise ValueError unless it is a name that a participant may have."""
    if not (isinstance(name, str) and re.fullmatch(r"[^\W_][\w.-]*", name)):
        raise ValueError(
            f"name of {whose} is {name!r}, but must be one word of letters, digits, - . or _ that "
            f"begins with a letter or digit, for logs, figures and command lines: give as "
            f"'my-maker'"
        )
