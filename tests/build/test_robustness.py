"""Builds that are interrupted, that run at once, and that find a damaged cache."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.build.plugins import PLUGIN

_BUILD = """
import sys
from pathlib import Path
from reglet.infrastructure.build.build import build_plugin
try:
    show = lambda stage: print(stage.name, flush=True)
    print(build_plugin(sys.argv[1], Path(sys.argv[2]), progress=show).digest)
except KeyboardInterrupt:
    sys.exit(130)
"""


def _start(source: Path, output: Path, cache: Path | None = None) -> subprocess.Popen[str]:
    environment = os.environ | ({} if cache is None else {"REGLET_CACHE_DIR": str(cache)})
    command = [sys.executable, "-c", _BUILD, str(source), str(output)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def _digest(process: subprocess.Popen[str]) -> str:
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return output.split()[-1]


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_an_interrupt_stops_a_build_and_leaves_nothing(tmp_path: Path) -> None:
    """A plugin that never ends its import is stopped by Ctrl-C, and no file is there, whole or part."""
    source = tmp_path / "project" / "endless.py"
    source.parent.mkdir()
    source.write_text("import reglet\nwhile True:\n    pass\n")
    process = _start(source, tmp_path / "out.wasm")
    assert process.stdout is not None
    for line in process.stdout:
        if line == "import\n":
            break
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=300)

    assert process.returncode == 130
    assert sorted(path.name for path in tmp_path.iterdir()) == ["project"]


@pytest.mark.long
def test_builds_at_once_on_a_cold_cache_and_one_on_a_damaged_one(tmp_path: Path) -> None:
    """All give the same bytes: entries are written whole, and what is damaged is made again."""
    source, cache = tmp_path / "tiny.py", tmp_path / "cache"
    source.write_text(PLUGIN)

    digests = [_digest(each) for each in [_start(source, tmp_path / f"{n}.wasm", cache) for n in range(2)]]
    entries = sorted(path for path in cache.rglob("*") if path.is_file())
    for number, entry in enumerate(entries):
        content = bytearray(entry.read_bytes())
        content[len(content) // 2] ^= 1
        entry.write_bytes(content if number % 2 else content[: len(content) // 2])
    digests.append(_digest(_start(source, tmp_path / "after.wasm", cache)))

    assert len(set(digests)) == 1
    assert not [path.name for path in entries if path.name.endswith(".part")]
