"""A Ctrl-C is heard where its exception is raised, and where that is dropped."""

import signal
import sys
import threading
import weakref
from collections.abc import Iterator
from types import FrameType

import pytest

from abm.runs.interrupts import Interrupts


@pytest.fixture(autouse=True)
def listened() -> Iterator[list[int]]:
    """Let signals reach a handler that notes them, whatever this process does about Ctrl-C."""
    came: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        came.append(number)

    before = signal.signal(signal.SIGINT, note)
    yield came
    signal.signal(signal.SIGINT, before)


def press() -> None:
    signal.raise_signal(signal.SIGINT)


def test_a_first_ctrl_c_raises_and_a_second_goes_to_who_listened_before(
    listened: list[int],
) -> None:
    with Interrupts() as interrupts:
        interrupts.check()
        with pytest.raises(KeyboardInterrupt):
            press()
        assert listened == []
        press()
        assert listened == [signal.SIGINT]
        with pytest.raises(KeyboardInterrupt):
            interrupts.check()


def test_a_ctrl_c_that_is_dropped_is_remembered_and_not_reported(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)
    thing = Interrupts()
    reference = weakref.ref(thing, lambda _: press())
    with Interrupts() as interrupts:
        del thing
        assert reference() is None
        assert capsys.readouterr().err == ""
        with pytest.raises(KeyboardInterrupt):
            interrupts.check()


def test_another_exception_that_is_dropped_is_reported_as_ever(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)
    thing = Interrupts()
    reference = weakref.ref(thing, lambda _: 1 / 0)
    with Interrupts():
        del thing
        assert reference() is None
        assert "ZeroDivisionError" in capsys.readouterr().err


def test_who_listened_before_listens_again_afterwards(listened: list[int]) -> None:
    hook = sys.unraisablehook
    with Interrupts():
        assert sys.unraisablehook != hook
    assert sys.unraisablehook == hook
    press()
    assert listened == [signal.SIGINT]


def test_where_ctrl_c_is_ignored_it_stays_so() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with Interrupts() as interrupts:
        press()
        interrupts.check()
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN


def test_in_another_thread_nothing_changes() -> None:
    before, seen = signal.getsignal(signal.SIGINT), []

    def look() -> None:
        with Interrupts() as interrupts:
            interrupts.check()
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [before]
