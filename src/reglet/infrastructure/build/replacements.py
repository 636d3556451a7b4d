"""What is said of imports that fail in a build, and of those that work there and are of no use."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from reglet.application.unsupported_modules import unsupported_reason

if TYPE_CHECKING:
    from reglet.infrastructure.build.bytecode import Source

_MISSING = re.compile(r"No module named '(?P<name>[^']+)'(?P<why>:?)")
_NATIVE = re.compile(r"No module named '(?P<name>[^']+)': it is a native")


def advice(error: str, traceback: str = "") -> str:
    """Return what to do about an import that failed, to stand behind its one line; empty for other errors.

    Packages wrap the failure of their native part in words of their own; the traceback still has it.
    """
    found = _MISSING.search(error) or _NATIVE.search(traceback)
    if found is None:
        return ""
    module = found["name"].removeprefix("_")  # ssl fails for want of _ssl
    problem = unsupported_reason(module)
    if problem is not None:
        return f"; {module.partition('.')[0]} {problem}"
    if not found.groupdict().get("why"):
        return _INSTALL.format(module=module)
    return ""


_INSTALL = (
    "; a plugin has most of the standard library and the packages of the Python that builds it: correct the "
    "name, or install {module} there, or name another interpreter with --python"
)


def unusable_imports(source: Source) -> Iterator[tuple[int, str, str]]:
    """Give line, module and reason of each import at a file's top that works and then is of no use."""
    try:
        tree = ast.parse(source.path.read_bytes())
    except SyntaxError:  # written for the plugin's Python, which is later than this one
        return
    for node in tree.body:
        for line, module in _imported(node):
            problem = unsupported_reason(module)
            if problem is not None:
                yield line, module, problem


def _imported(node: ast.AST) -> list[tuple[int, str]]:
    if isinstance(node, ast.Import):
        return [(node.lineno, each.name) for each in node.names]
    if isinstance(node, ast.ImportFrom) and not node.level and node.module:
        return [(node.lineno, node.module)]
    return []
