"""The list of what a plugin's Python lacks, held against the real runtime."""

from __future__ import annotations

from pathlib import Path

from reglet.infrastructure import ABSENT
from reglet.infrastructure.build.build import build_plugin
from tests.build.plugins import PLUGIN

TRY_ALL = """
import importlib, sys
_SUBMODULES = [
    "compression.bz2", "compression.gzip", "compression.lzma", "compression.zlib", "compression.zstd",
    "dbm.dumb", "dbm.gnu", "dbm.ndbm", "dbm.sqlite3",
]
_absent = []
for _name in [*sys.stdlib_module_names, *_SUBMODULES]:
    if _name.startswith("_") or _name in ("antigravity", "this"):  # one opens a browser, one prints
        continue
    try:
        importlib.import_module(_name)
    except ImportError:
        _absent.append(_name)
print("absent:", *sorted(_absent))
"""


def test_the_list_is_what_the_runtime_lacks(tmp_path: Path) -> None:
    """Each public module of the standard library can be imported or is in the list."""
    (tmp_path / "tiny.py").write_text(PLUGIN + TRY_ALL)

    report = build_plugin(tmp_path / "tiny.py", tmp_path / "out.wasm")

    assert report.output.splitlines()[-1].split()[1:] == sorted(ABSENT)
