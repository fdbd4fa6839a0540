"""The faults that show that tests can fail: each still has the line that it makes wrong."""

import pytest

from tests.faults import FAULTS, ROOT, Fault


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_changes_its_file(fault: Fault) -> None:
    assert fault.change(ROOT) != (ROOT / fault.file).read_text()
