"""Digests of code: whatever a class computes with, wherever its modules keep it, tells it apart."""

import sys
import warnings
from collections.abc import Callable, Iterator
from importlib import import_module, invalidate_caches
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import pytest

from abm.experiment.digest import digest
from abm.experiment.errors import UnknownCodeError

MINE = """
class Mine:
    def quote(self):
{body}
"""
TRIED = "tried_module"  # names of modules that no other test has begin with this


def returns(expression: str, before: str = "") -> str:
    """Return a module whose class computes an expression."""
    return dedent(before) + MINE.format(body=f"        return {expression}")


def does(body: str, before: str = "") -> str:
    return dedent(before) + MINE.format(body=indent(dedent(body), " " * 8))


HELPER = {"tried_h.py": "HALF = K"}
PACKAGE = {"tried_p/__init__.py": "", "tried_p/sub.py": "HALF = K\ndef f(): return K"}

TOLD: dict[str, dict[str, str]] = {
    "a module within a package": {
        **PACKAGE, TRIED: returns("tried_p.sub.HALF", "import tried_p.sub")},
    "its function": {**PACKAGE, TRIED: returns("tried_p.sub.f()", "import tried_p.sub")},
    "a module of a module": {
        "tried_h.py": "import tried_i as inner", "tried_i.py": "HALF = K",
        TRIED: returns("tried_h.inner.HALF", "import tried_h")},
    "a module as an attribute": {
        **HELPER, TRIED: "import tried_h\nclass Mine:\n    lib = tried_h\n"},
    "a module in a dict": {
        **HELPER, TRIED: returns("libs['h'].HALF", "import tried_h\nlibs = {'h': tried_h}")},
    "getattr of a module": {**HELPER, TRIED: returns("getattr(tried_h, 'HALF')", "import tried_h")},
    "an import inside a function": {**HELPER, TRIED: does("from tried_h import HALF\nreturn HALF")},
    "what that imports": {
        "tried_h.py": "from tried_i import HALF", "tried_i.py": "HALF = K",
        TRIED: does("from tried_h import HALF\nreturn HALF")},
    "a module imported inside a function": {
        **PACKAGE, TRIED: does("from tried_p import sub\nreturn sub.HALF")},
    "a dotted import inside a function": {
        **PACKAGE, TRIED: does("import tried_p.sub\nreturn tried_p.sub.HALF")},
    "an import relative to a package": {
        **PACKAGE, "tried_p/own.py": does("from .sub import HALF\nreturn HALF"),
        TRIED: "from tried_p.own import Mine"},
    "a function named like one of Python's": {
        TRIED: returns("max(1, 0)", "def max(a, b): return K * a")},
    "an attribute of a function": {
        TRIED: returns("rule.half", "def rule(): pass\nrule.half = K")},
    "what a decorator's class holds": {TRIED: returns("rule(1)", """
        from functools import update_wrapper
        class Scaled:
            def __init__(self, rule, factor):
                update_wrapper(self, rule)
                self.factor = factor
        def rule(x): return x
        rule = Scaled(rule, K)
    """)},
    "a wrapper that calls itself NumPy's": {TRIED: returns("rule(1)", """
        import functools, numpy
        @functools.wraps(numpy.mean)
        def rule(x): return K * x
    """)},
    "a class that calls itself Python's": {TRIED: returns("Held().half", """
        from dataclasses import make_dataclass
        Held = make_dataclass('Held', [('half', float, K)])
    """)},
    "a wrapper that a library made": {TRIED: returns("rule()", """
        from contextlib import contextmanager
        @contextmanager
        def rule(): yield K
    """)},
    "a cached function": {TRIED: returns("rule()", """
        from functools import lru_cache
        @lru_cache
        def rule(): return K
    """)},
    "a vectorized function": {TRIED: returns("rule(1)", """
        import numpy
        rule = numpy.vectorize(lambda x: K * x)
    """)},
    "a metaclass": {TRIED: """
class Meta(type):
    half = K
class Mine(metaclass=Meta):
    pass
"""},
    "a dunder": {TRIED: "class Mine:\n    __half__ = K\n"},
    "a field's default": {TRIED: """
from dataclasses import dataclass, field
@dataclass
class Mine:
    half: list = field(default_factory=lambda: [K])
"""},
    "a proxy of a dict": {TRIED: returns("HELD['half']", """
        from types import MappingProxyType
        HELD = MappingProxyType({'half': K})
    """)},
    "the order of a dict": {TRIED: returns("list(HELD)", "HELD = {K: 0, 3 - K: 0}")},
    "a method of a list": {TRIED: returns("has(1)", "has = [K].__contains__")},
    "an array of records, by its names": {
        TRIED: returns("HELD", "import numpy\nHELD = numpy.zeros(2, [('nameK', float)])")},
    "an array of objects": {
        TRIED: returns("HELD", "import numpy\nHELD = numpy.array([K, 'a'], dtype=object)")},
    "names of arguments": {TRIED: does(
        "def width(x1, x2): return xK - x2\nreturn width(x1=3, x2=1)")},
    "a property of one's own": {TRIED: """
class Own(property):
    def __get__(self, *_): return K
class Mine:
    half = Own(lambda self: 0)
"""},
    "an attribute of a partial": {TRIED: returns("rule.half", """
        from functools import partial
        rule = partial(max, 1)
        rule.half = K
    """)},
    "an attribute of an enum's member": {TRIED: returns("Sort.A.half", """
        from enum import Enum
        class Sort(Enum):
            A = 1
        Sort.A.half = K
    """)},
    "a masked array's class": {TRIED: returns("HELD.half()", """
        import numpy
        class Own(numpy.ma.MaskedArray):
            def half(self): return K
        HELD = Own([1.0])
    """)},
    "a generic function": {TRIED: returns("rule(1.0)", """
        from functools import singledispatch
        @singledispatch
        def rule(x): return 0
        @rule.register
        def _(x: float): return K
    """)},
    "a helper that is named like one of Python's": {
        "sched.py": "HALF = K", TRIED: returns("sched.HALF", "import sched")},
    "a long double": {TRIED: returns("HELD", "import numpy\nHELD = numpy.longdouble('K') / 3")},
    "an array's attribute": {TRIED: returns("HELD", """
        import numpy
        class Own(numpy.ndarray): pass
        HELD = numpy.zeros(2).view(Own)
        HELD.unit = K
    """)},
}  # fmt: skip

NOT_TOLD = {
    "eval": returns("eval('1')"),
    "exec": does("exec('x = 1')"),
    "globals": returns("globals()['HALF']", "HALF = 1"),
    "a module by its name": returns("importlib.import_module('math')", "import importlib"),
    "the modules of Python": returns("sys.modules['math']", "import sys"),
    "the modules of Python, by another name": does("s = sys\ns.modules['math']", "import sys"),
    "the modules of Python, within": does("import sys as s\ns.modules['math']"),
    "a ufunc of one's own": returns("rule(1)", "import numpy\nrule = numpy.frompyfunc(abs, 1, 1)"),
    "a module by its name, within": does("import importlib\nimportlib.import_module('math')"),
    "a function's globals": does("def rule(): pass\nreturn rule.__globals__"),
    "a registry of subclasses": returns("list(Mine.__subclasses__())"),
    "a module that fails": does("import tried_fails"),
    "a context": returns(
        "HELD.get()", "from contextvars import ContextVar\nHELD = ContextVar('held', default=1)"
    ),
}


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Return a function that writes modules with a number for K, and imports the class `Mine`."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # files may be as old and as long

    def forget() -> None:
        for name, module in list(sys.modules.items()):
            if str(getattr(module, "__file__", "")).startswith(str(tmp_path)):
                del sys.modules[name]
        invalidate_caches()

    def load(files: dict[str, str], number: int) -> Any:
        forget()
        for name, content in files.items():
            file = tmp_path / (name if name != TRIED else f"{TRIED}.py")
            file.parent.mkdir(exist_ok=True)
            file.write_text(content.replace("K", str(number)))
        return import_module(TRIED).Mine

    yield load
    forget()


@pytest.mark.parametrize("files", TOLD.values(), ids=TOLD)
def test_what_a_class_computes_with_tells_it_apart(
    files: dict[str, str], load: Callable[..., Any]
) -> None:
    first, second, again = (digest(load(files, number)) for number in (1, 2, 1))
    assert first != second
    assert first == again


@pytest.mark.parametrize("source", NOT_TOLD.values(), ids=NOT_TOLD)
def test_what_may_lead_anywhere_is_not_told(source: str, load: Callable[..., Any]) -> None:
    fails = {"tried_fails.py": "raise RuntimeError('no')"}
    with pytest.raises(UnknownCodeError, match="cannot be"):
        digest(load(fails | {TRIED: source}, 1))


def test_a_module_that_is_not_there_is_no_error(load: Callable[..., Any]) -> None:
    source = does("try:\n    import tried_nowhere\nexcept ImportError:\n    pass\nreturn K")
    assert digest(load({TRIED: source}, 1)) != digest(load({TRIED: source}, 2))


USED = {
    "a warning": does("import tried_h\nreturn tried_h.f()"),
    "a combination of flags": returns(
        "Sort.A | Sort.B", "from enum import Flag\nclass Sort(Flag):\n    A = 1\n    B = 2"
    ),
    "Python's random state": returns("gauss(0, 1)", "from random import gauss"),
    "NumPy's random state": returns("normal()", "from numpy.random import normal"),
    "a law of several numbers": returns(
        "LAW.rvs()", "from scipy.stats import multivariate_normal as LAW"
    ),
    "a generic function": returns(
        "rule(1.0)", "from functools import singledispatch\n@singledispatch\ndef rule(x): return x"
    ),
}


@pytest.mark.parametrize("source", USED.values(), ids=USED)
def test_what_python_and_libraries_keep_is_no_other_code(
    source: str, load: Callable[..., Any]
) -> None:
    helper = "import warnings\ndef f(): warnings.warn('K', stacklevel=1)"
    mine = load({"tried_h.py": helper, TRIED: source}, 1)
    before = digest(mine)
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("default")
        mine().quote()
    assert digest(mine) == before
