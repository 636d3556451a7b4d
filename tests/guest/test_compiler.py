"""Imports that wait in functions, found in source; and a `.pyc` that Python itself can run."""

from __future__ import annotations

import ast
import marshal
from pathlib import Path
from typing import Any

import pytest

from reglet.infrastructure.guest.compiler import compile_file, waiting_imports

FUNCTION = "def later():\n    "


@pytest.mark.parametrize(
    ("source", "found"),
    [
        (FUNCTION + "import a, b.c as d", [[2, 0, "a", []], [2, 0, "b.c", []]]),
        (FUNCTION + "from .. import x, y", [[2, 2, "", ["x", "y"]]]),
        (FUNCTION + "from a.b import *", [[2, 0, "a.b", ["*"]]]),
        ("class A:\n  async def f(self):\n    if self:\n      import z", [[4, 0, "z", []]]),
        ("import top\nclass A:\n  import inside", []),
        (FUNCTION + "try:\n        import a\n    except ImportError:\n        pass", []),
        (FUNCTION + "try:\n        import a\n    except (KeyError, ModuleNotFoundError):\n        pass", []),
        (FUNCTION + "try:\n        import a\n    except:\n        pass", []),
        (FUNCTION + "try:\n        import a\n    except KeyError:\n        pass", [[3, 0, "a", []]]),
    ],
)
def test_imports_in_functions(source: str, found: list[object]) -> None:
    """Each with its line, unless its failure is expected; those at the top run in the build."""
    assert waiting_imports(ast.parse(source)) == found


def test_a_file_is_compiled(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """One line of JSON, then a `.pyc` whose code names the path that it is shown under."""
    (tmp_path / "a.py").write_text("'Doc.'\nx = 6 * 7\n")

    compile_file(str(tmp_path / "a.py"), "/plugin/a.py", 2)

    found, _, compiled = capfdbinary.readouterr().out.partition(b"\n")
    code = marshal.loads(compiled[16:])
    names: dict[str, object] = {}
    exec(code, names)
    assert (found, code.co_filename) == (b"[]", "/plugin/a.py")
    assert (names["x"], names.get("__doc__")) == (42, None)


def test_a_warning_of_the_compiler_stands_in_no_file(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """A pattern without its `r` is code that runs: a plugin with one, or a package of its, is built."""
    (tmp_path / "a.py").write_text(r'x = "\d"')

    compile_file(str(tmp_path / "a.py"), "/plugin/a.py", 0)

    written = capfdbinary.readouterr()
    assert (written.out[:3], written.err) == (b"[]\n", b"")


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
