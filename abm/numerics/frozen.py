"""The fields of frozen dataclasses whose constructors convert what they are given."""

from typing import TypeVar

Made = TypeVar("Made")


def set_fields(instance: object, **fields: object) -> None:
    """Set fields of a frozen dataclass without slots: for its own constructor alone."""
    vars(instance).update(fields)


def make(kind: type[Made], **fields: object) -> Made:
    """Return an instance with these fields as they are: for classmethods beside a constructor."""
    instance = kind.__new__(kind)
    set_fields(instance, **fields)
    return instance
