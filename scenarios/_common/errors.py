"""The errors that studies raise; imports nothing, so that the command can catch them at once."""

STOPPED = 130  # the exit code of a command that Ctrl-C stopped


class StoppedError(RuntimeError):
    """The user stopped a run."""


class CommandError(ValueError):
    """A command line names a scenario or an option that does not exist."""
