"""Run folders that were edited at random: a small part of what `tests/edits.py` tries."""

from pathlib import Path

import pytest

from tests.edits import try_edits

pytestmark = pytest.mark.slow


def test_edited_folders_end_in_the_same_bytes_or_a_clear_error(tmp_path: Path) -> None:
    outcomes = list(try_edits(40, 1, tmp_path, reported=0.0))
    assert [outcome for outcome in outcomes if outcome.wrong] == []
    assert {outcome.ended for outcome in outcomes if outcome.use == "verify"} == {
        "well", "in FolderTakenError"
    }  # fmt: skip
