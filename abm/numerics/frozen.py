"""The fields of frozen dataclasses whose constructors convert what they are given."""


def set_fields(instance: object, **fields: object) -> None:
    """Set fields of a frozen dataclass without slots: for its own constructors alone."""
    vars(instance).update(fields)
