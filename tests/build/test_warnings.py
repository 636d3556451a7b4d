"""Which imports in functions fail in a host: names made whole, packages told in one line."""

from pathlib import Path

import pytest

from reglet.infrastructure.build.import_advice import missing_module
from reglet.infrastructure.build.sources import Source, WaitingImport


def _source(guest_path: str) -> Source:
    return Source(Path("/disk") / guest_path.lstrip("/"), guest_path, ())


@pytest.mark.parametrize(
    ("level", "module", "missing"),
    [
        (0, "absent.part", "absent.part"),
        (1, "beside", "package.inner.beside"),
        (2, "above", "package.above"),
        (1, "", None),
        (2, "", None),
        (0, "json", None),
    ],
)
def test_a_relative_import_is_made_whole(level: int, module: str, missing: str | None) -> None:
    """Dots count from the file's own package; what is in memory is not missing."""
    present = frozenset({"json", "package", "package.inner"})
    waiting = WaitingImport(1, level, module, ("name",))

    assert missing_module(_source("/plugin/package/inner/module.py"), waiting, present) == missing
