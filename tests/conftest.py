"""What several files of tests need."""

import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scenarios.__main__ import main


@pytest.fixture
def command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Iterator[Callable[..., tuple[int, str, str]]]:
    """Run `market-shock` in an empty folder; return its code and what it said."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())

    def called(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["market-shock", *words])
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        return int(end.value.code or 0), said.out, said.err

    with warnings.catch_warnings():  # the command shows them in its own way
        warnings.simplefilter("default")
        yield called
