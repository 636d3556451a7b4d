"""Imports that wait in functions, found in source; and a `.pyc` that Python itself can run."""

from __future__ import annotations

import ast
import marshal
from pathlib import Path
from typing import Any

import pytest

from reglet.infrastructure.guest.compiler import Waiting, compile_file

FUNCTION = "def later():\n    "
CALL = "from importlib import import_module as load\nimport importlib\nX = lambda name: "


@pytest.mark.parametrize(
    ("source", "found"),
    [
        (FUNCTION + "import a, b.c as d", [[2, 0, "a", [], False], [2, 0, "b.c", [], False]]),
        (FUNCTION + "from .. import x, y", [[2, 2, "", ["x", "y"], False]]),
        (FUNCTION + "from a.b import *", [[2, 0, "a.b", ["*"], False]]),
        ("class A:\n  async def f(self):\n    if self:\n      import z", [[4, 0, "z", [], False]]),
        ("import top\nclass A:\n  import inside", []),
        (FUNCTION + "try:\n        import a\n    except ImportError:\n        import b",
         [[3, 0, "a", [], True], [5, 0, "b", [], False]]),
        (FUNCTION + "try:\n        import a\n    except (KeyError, ModuleNotFoundError):\n        pass",
         [[3, 0, "a", [], True]]),
        (FUNCTION + "try:\n        import a\n    except:\n        pass\n    else:\n        import b",
         [[3, 0, "a", [], True], [7, 0, "b", [], False]]),
        (FUNCTION + "try:\n        import a\n    except KeyError:\n        pass", [[3, 0, "a", [], False]]),
        (FUNCTION + "with suppress(ImportError):\n        import a", [[3, 0, "a", [], True]]),
        (FUNCTION + "if TYPE_CHECKING:\n        import a\n    else:\n        import b", [[5, 0, "b", [], False]]),
        (CALL + "importlib.import_module('a.b')", [[3, 0, "a.b", [], False]]),
        (CALL + "load('.b', package='a.c')", [[3, 0, "a.c.b", [], False]]),
        (CALL + "load('..b', 'a.c')", [[3, 0, "a.b", [], False]]),
        (CALL + "load('.b', __package__)", [[3, 1, "b", [], False]]),
        (CALL + "__import__('a')", [[3, 0, "a", [], False]]),
        (CALL + "importlib.util.find_spec('a')", [[3, 0, "a", [], True]]),
    ],
)  # fmt: skip
def test_imports_in_functions(source: str, found: list[object]) -> None:
    """Each with its line, and whether it may fail; those at the top run in the build."""
    assert Waiting(ast.parse(source)).imports == found


@pytest.mark.parametrize(
    ("call", "found"),
    [
        ("load(name)", ["load(name)"]),
        (
            "importlib.import_module(f'{__package__}.{name}')",
            ["importlib.import_module(f'{__package__}.{name}')"],
        ),
        ("pkgutil.iter_modules(package.__path__)", ["pkgutil.iter_modules(package.__path__)"]),
        ("importlib.metadata.entry_points(group='a')", ["importlib.metadata.entry_points(group='a')"]),
        ("importlib.util.find_spec(name)", []),
        ("print(name)", []),
    ],
)
def test_calls_in_functions_that_import_what_is_computed(call: str, found: list[str]) -> None:
    """They are known by their names, under whatever name they were imported."""
    assert [source for _, source in Waiting(ast.parse(CALL + call)).computed] == found


def test_attributes_that_functions_take_from_modules() -> None:
    """By the modules' own names; those that the function can do without are left out."""
    source = (
        "import os, a.b as c\n"
        + FUNCTION
        + (
            "os.fork(), c.d.e, os.x.y\n    os.z = 1\n    if hasattr(os, 'w'):\n        os.w\n    return hasattr(os, 'v') and os.v\n"
        )
    )

    assert Waiting(ast.parse(source)).attributes == [[3, "os", "fork"], [3, "a.b", "d"], [3, "os", "x"]]


def test_code_may_be_deep() -> None:
    """A sum of two thousand terms, as a program may write it, is looked through."""
    assert Waiting(ast.parse(FUNCTION + "x = " + "+".join(["1"] * 2000))).imports == []


def test_a_file_is_compiled(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """One line of JSON, then a `.pyc` whose code names the path that it is shown under."""
    (tmp_path / "a.py").write_text("'Doc.'\nx = 6 * 7\n")

    compile_file(str(tmp_path / "a.py"), "/plugin/a.py", 2)

    found, _, compiled = capfdbinary.readouterr().out.partition(b"\n")
    code = marshal.loads(compiled[16:])
    names: dict[str, object] = {}
    exec(code, names)
    assert (found, code.co_filename) == (b"[[], [], []]", "/plugin/a.py")
    assert (names["x"], names.get("__doc__")) == (42, None)


def test_a_warning_of_the_compiler_stands_in_no_file(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """A pattern without its `r` is code that runs: a plugin with one, or a package of its, is built."""
    (tmp_path / "a.py").write_text(r'x = "\d"')

    compile_file(str(tmp_path / "a.py"), "/plugin/a.py", 0)

    written = capfdbinary.readouterr()
    assert (written.out.partition(b"\n")[0], written.err) == (b"[[], [], []]", b"")


ANNOTATED = """
class A:
    field: int
    async def method(self, a: int, /, *b: str, c: int = 0, **d: str) -> None: ...
"""


@pytest.mark.parametrize(("optimize", "kept"), [(0, ["a", "b", "c", "d", "return"]), (2, [])])
def test_lean_code_has_no_annotations_of_functions(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], optimize: int, kept: list[str]
) -> None:
    """Those of classes say what fields there are, and stay."""
    (tmp_path / "a.py").write_text(ANNOTATED)

    compile_file(str(tmp_path / "a.py"), "/sdk/a.py", optimize)

    names: dict[str, Any] = {}
    exec(marshal.loads(capfdbinary.readouterr().out.partition(b"\n")[2][16:]), names)
    assert sorted(names["A"].method.__annotations__) == kept
    assert names["A"].__annotations__ == {"field": int}


def test_source_that_does_not_compile_gives_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The plugin's guest compiles it again, and shows the author where it is wrong."""
    (tmp_path / "a.py").write_text("def (:")

    compile_file(str(tmp_path / "a.py"), "/plugin/a.py", 0)

    assert capfd.readouterr().out == ""
