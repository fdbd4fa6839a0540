"""The faults that show that tests can fail: each has the line that it makes wrong, and tests."""

import pytest

from tests.faults import FAULTS, ROOT, Fault, choose_tests


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_changes_its_file(fault: Fault) -> None:
    assert fault.change(ROOT) != (ROOT / fault.file).read_text()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_has_tests(fault: Fault) -> None:
    assert choose_tests(fault.module)
