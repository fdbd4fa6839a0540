"""The errors that studies raise; imports nothing, so that the command can catch them at once."""


class StoppedError(RuntimeError):
    """The user stopped a run."""
