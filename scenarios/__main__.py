"""The command `market-shock`, which Ctrl-C ends in one line from its first moment on.

So nothing is imported here that takes time, not even Python's `signal`, which takes 5 ms; the
command itself is `scenarios._common.app`.
"""

import os
from _signal import (  # type: ignore[import-not-found]
    SIGINT,
    default_int_handler,
    getsignal,
    signal,
)

from scenarios._common.errors import STOPPED

SHOW_CURSOR = b"\x1b[?25h"  # a progress bar hides it


def main() -> None:
    """Run the command."""
    if getsignal(SIGINT) is default_int_handler:
        signal(SIGINT, leave)
    from scenarios._common.app import run_command  # takes its time

    run_command()


def leave(*_: object) -> None:
    """Leave at once with a line; nothing is lost, for a run hears the first Ctrl-C itself.

    An exception would not do: imports and callbacks may drop it, and what ends Python shows it.
    """
    os.write(2, (SHOW_CURSOR if os.isatty(2) else b"") + b"stopped\n")
    os._exit(STOPPED)


if __name__ == "__main__":
    main()
