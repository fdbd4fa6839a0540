"""The reference: the command in CONTRIBUTING makes it of all wings, and warns of nothing."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.files import ROOT

pytestmark = pytest.mark.slow


def test_the_command_makes_a_page_of_every_wing_and_module_without_a_warning(
    tmp_path: Path,
) -> None:
    contributing = (ROOT / "CONTRIBUTING.md").read_text()
    command = re.search(r"^    uv run python (tests/\w+\.py) \w+\b", contributing, re.MULTILINE)
    assert command
    made = subprocess.run(
        [sys.executable, "-W", "error", ROOT / command[1], tmp_path],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (made.returncode, made.stderr) == (0, "")
    wings = [path.parent.relative_to(ROOT) for path in ROOT.glob("abm/*/__init__.py")]
    assert wings
    modules = [Path("abm/exchange/matching"), Path("analysis/metrics"), Path("scenarios/paper")]
    for page in (Path("abm"), Path("analysis"), Path("scenarios"), *wings, *modules):
        assert (tmp_path / page).with_suffix(".html").is_file()
    examples = (tmp_path / "abm/bellman/solver.html").read_text()
    assert '<h6 id="examples">Examples</h6>' in examples
