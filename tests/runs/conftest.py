"""What several files of tests of runs need."""

from pathlib import Path

import pytest

from abm.runs.store import Store


@pytest.fixture(params=["local", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """Return an empty store on this machine, and one in memory."""
    return Store(tmp_path if request.param == "local" else f"memory://{tmp_path}")
