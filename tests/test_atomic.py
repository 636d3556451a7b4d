"""Files are written whole, by the umask, and what a kill left is swept."""

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from reglet.infrastructure.atomic import PRIVATE, _replace, write_atomic

_WRITER = """
import os, signal, sys
from pathlib import Path
from reglet.infrastructure.atomic import write_atomic

class Stopping(type(Path())):
    def replace(self, target):
        os.kill(os.getpid(), signal.SIGSTOP)

write_atomic(Stopping(sys.argv[1]), b"a")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no umask")
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o027, 0o640)])
def test_the_umask_is_respected(tmp_path: Path, umask: int, mode: int) -> None:
    """As by any program; a private file stays private."""
    before = os.umask(umask)
    try:
        write_atomic(tmp_path / "public", b"x")
        write_atomic(tmp_path / "private", b"x", mode=PRIVATE)
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "public").stat().st_mode) == mode
    assert stat.S_IMODE((tmp_path / "private").stat().st_mode) == 0o600


def left_behind(folder: Path) -> list[str]:
    """Return the names of files that are not whole."""
    return [each.name for each in folder.iterdir() if each.suffix == ".part"]


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGKILL")
def test_what_a_killed_process_left_is_swept_by_the_next(tmp_path: Path) -> None:
    """A file that another process still writes is left alone."""
    writer = subprocess.Popen([sys.executable, "-c", _WRITER, str(tmp_path / "new")])
    assert os.WIFSTOPPED(os.waitpid(writer.pid, os.WUNTRACED)[1])
    [part] = left_behind(tmp_path)
    os.utime(tmp_path / part, (0, 0))
    write_atomic(tmp_path / "other", b"x")
    still_there = left_behind(tmp_path) == [part]
    writer.kill()
    writer.wait()
    os.utime(tmp_path / part, (0, 0))

    write_atomic(tmp_path / "other", b"x")

    assert still_there
    assert left_behind(tmp_path) == []


def test_writers_of_one_folder_sweep_none_of_each_others_files(tmp_path: Path) -> None:
    """However many there are at once."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: write_atomic(tmp_path / f"{number % 5}", b"x"), range(1000)))
    assert sorted(each.name for each in tmp_path.iterdir()) == ["0", "1", "2", "3", "4"]


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    """The old file stays, and no part of the new one."""
    write_atomic(tmp_path / "file", b"old")

    with pytest.raises(TypeError):
        write_atomic(tmp_path / "file", b"new", None)  # type: ignore[arg-type]  # what cannot be written

    assert [each.name for each in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_bytes() == b"old"


class HeldPath(type(Path())):
    """A path whose place somebody has open, as Windows has it, for so many renames."""

    held = 0

    def replace(self, target: Path) -> Path:
        if self.held:
            self.held -= 1
            raise PermissionError(13, "The process cannot access the file", str(target))
        return super().replace(target)


def test_a_rename_over_an_open_file_is_tried_again(tmp_path: Path) -> None:
    """On Windows a reader, or what looks for viruses, stands in its way for a moment; not for ever."""
    made = HeldPath(tmp_path / "made")
    made.write_bytes(b"new")
    (tmp_path / "there").write_bytes(b"old")
    made.held = 3

    _replace(made, tmp_path / "there")

    assert (tmp_path / "there").read_bytes() == b"new"
    made.write_bytes(b"newer")
    made.held = 1_000_000
    with pytest.raises(PermissionError):
        _replace(made, tmp_path / "there", patience=0.05)
    assert (tmp_path / "there").read_bytes() == b"new"
