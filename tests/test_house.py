"""The house as a whole: no import circle, and one home for each constant."""

from __future__ import annotations

import ast
from collections import defaultdict
from graphlib import TopologicalSorter
from pathlib import Path

import grimp

import reglet

SOURCE = Path(reglet.__file__).parent
LEAST_TELLING = 7
"""Characters from which two equal strings are no coincidence."""


def test_no_module_is_imported_by_what_it_imports():
    """A reader can start at the bottom and never needs what comes later; what only types need counts too."""
    graph = grimp.build_graph("reglet", cache_dir=None, exclude_type_checking_imports=True)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    order = list(TopologicalSorter(imports).static_order())
    assert len(order) == len(graph.modules)


def constants(module: ast.Module):
    """Yield the names and literal values of the constants at the top of a module."""
    for node in module.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        value = getattr(node, "value", None)
        for target in targets:
            if isinstance(target, ast.Name) and target.id.isupper() and value is not None:
                yield target.id.strip("_"), ast.unparse(value)


def test_a_constant_has_one_home():
    """No module defines a constant that another has: by name and value, or as the same telling string."""
    homes = defaultdict(set)
    for path in SOURCE.rglob("*.py"):
        for name, value in constants(ast.parse(path.read_text(encoding="utf-8"))):
            if value.startswith(("TypeVar(", "ParamSpec(", "object(", "logging.getLogger(")):
                continue
            homes[(name, value)].add(path)
            if value[0] in "'\"" and len(value) - 2 >= LEAST_TELLING:
                homes[value].add(path)
    assert {key: paths for key, paths in homes.items() if len(paths) > 1} == {}
