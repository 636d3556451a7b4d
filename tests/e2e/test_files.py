"""Python's own means of files in a sandbox: what they give, or the error they raise, is Linux's."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from reglet.domain.entities.grants import FileSystemCapability, FileSystemRule, GrantSet
from reglet.sandbox import Limits, Sandbox
from tests.built_plugins import BuildSource
from tests.looks import EVALUATE, EVALUATOR

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="compares with Linux")


def made(folder: Path) -> Path:
    """Return a folder with files of many kinds."""
    (folder / "d/e").mkdir(parents=True)
    (folder / "f").write_text("0123456789")
    (folder / "d/g").write_text("x")
    for name, target in (("lf", "f"), ("ld", "d"), ("slashed", "f/"), ("dangling", "none"), ("loop", "loop")):
        (folder / name).symlink_to(target)
    os.mkfifo(folder / "pipe")
    os.utime(folder / "f", ns=(-5_500_000_000, -1))
    os.utime(folder / "d", (-9, -10))
    for name in (b"caf\xe9", b"line\nend", b"-rf", "\U0001f600".encode(), b"\xff\xfe", b"n" * 255):
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_text("odd")
    return folder


PATHS = [
    "f/",
    "f/.",
    "f/..",
    "d/.",
    "d//g",
    "lf/",
    "ld/",
    "slashed",
    "dangling/",
    "loop/",
    "none/x",
    "f/x",
    "pipe",
    "",
]
BY_PATH = [
    "stat.S_IFMT(os.stat({}).st_mode)",
    "stat.S_IFMT(os.lstat({}).st_mode)",
    "os.path.exists({}), os.path.isfile({}), os.path.islink({}), os.path.isdir({})",
    "opened({}, os.O_WRONLY | os.O_CREAT | os.O_EXCL).st_size",
    "os.mkdir({})",
    "os.rmdir({}) if not os.path.isdir({}) else 0",
    "os.unlink({}) if not os.path.exists({}) else 0",
    "os.readlink({})",
    "os.chmod({}, 0o600)",
]
OTHERS = [
    "os.stat(T + '/f').st_mtime_ns, os.stat(T + '/f').st_atime_ns",
    "sorted(map(os.fsencode, os.listdir(T)))",
    "[Path(T, name).read_text() for name in sorted(os.listdir(T)) if os.path.isfile(os.path.join(T, name))]",
    "sorted(os.path.getsize(each) for each in glob.glob(os.fsencode(T) + b'/*') if os.path.isfile(each))",
    "os.lstat(T + '/f').st_mtime, opened(T + '/f', os.O_RDONLY).st_mtime_ns",
    "sorted((e.name, e.stat().st_mtime_ns) for e in os.scandir(T) if e.name in 'fd')",
    "os.utime(T + '/d/g', (-5.5, -6.25)), os.stat(T + '/d/g').st_mtime_ns, os.stat(T + '/d/g').st_atime_ns",
    "os.utime(T + '/d/g', ns=(1, 2)), os.stat(T + '/d/g').st_mtime_ns",
    "shutil.copystat(T + '/f', T + '/d/g'), os.stat(T + '/d/g').st_mtime_ns",
    "os.path.samefile(T + '/ld', T + '/d'), os.path.samefile(T + '/lf', T + '/d'), Path(T, 'lf').samefile(T + '/f')",
    "opened(T + '/d', os.O_RDONLY).st_ino == os.stat(T + '/ld').st_ino != os.lstat(T + '/ld').st_ino",
    "opened(T + '/d', os.O_RDONLY, os.read, 1)",
    "opened(T + '/d', os.O_RDONLY, os.pread, 1, 0)",
    "opened(T + '/f', os.O_WRONLY, os.pread, 1, 0)",
    "opened(T + '/f', os.O_RDONLY, os.pread, 1, 2**63 - 1)",
    "opened(T + '/f', os.O_RDONLY, os.pread, 20, 3)",
    "opened(T + '/f', os.O_RDONLY, os.pwrite, b'x', 0)",
    "opened(T + '/f', os.O_RDONLY, os.write, b'x')",
    "opened(T + '/d/g', os.O_WRONLY, os.read, 1)",
    "Path(T, 'pipe').is_fifo(), Path(T, 'f').is_fifo()",
    "sorted((e.name, e.is_file(), e.is_dir()) for e in os.scandir(T) if e.name in {'pipe', 'f', 'ld'})",
    "opened(T + '/f', 0, os.read, 3), opened(T + '/d', os.O_DIRECTORY).st_ino == os.stat(T + '/d').st_ino",
    "opened(T + '/new', os.O_CREAT | os.O_EXCL, os.read, 1), opened(T + '/new', os.O_RDWR, os.write, b'x')",
    "open('')",
    "os.listdir('')",
    "os.chdir('')",
]


def expressions() -> list[str]:
    """Return what is evaluated at both places, in this order."""
    by_path = [each.replace("{}", f"T + '/{path}'" if path else "''") for each in BY_PATH for path in PATHS]
    return [*OTHERS, *by_path]


def test_files_are_as_on_linux(built_source: BuildSource, tmp_path: Path) -> None:
    """Types, times before 1970, names of any bytes, slashes and dots at the end, and every error's number."""
    space: dict[str, Any] = {}
    exec(EVALUATE, space)
    for name in ("outside", "inside"):
        (tmp_path / name).mkdir()
    outside, inside = made(tmp_path.resolve() / "outside"), made(tmp_path.resolve() / "inside")
    rule = FileSystemRule(read=[f"{inside}", f"{inside}/**"], write=[f"{inside}", f"{inside}/**"])
    config = {"expressions": expressions(), "folder": str(inside)}

    with Sandbox(GrantSet(fs=FileSystemCapability([rule]))) as sandbox:
        result = sandbox.load(built_source(EVALUATOR)).check(config)

    assert result.data is not None, result
    expected = space["evaluated"](expressions(), str(outside))
    assert dict(zip(expressions(), result.data["found"], strict=True)) == dict(
        zip(expressions(), expected, strict=True)
    )


ODD_PATHS = [
    "T", "'/' + T", "'/..//' + T", "'//' + T", "T + '//f'", "T + '/./d/../f'", "T + '/d/../../' + os.path.basename(T) + '/f'",
    "T + '/f/.'", "T + '/d/.'", "T + '/d/./'", "T + '/' + 'n' * 255", "T + '/' + 'n' * 256", "T + '/' + 'a/' * 3000",
    "T + '/\\udcff'", "T + '/\\udcff/x'", "T + '/\\udc41'", "T + '/\\n'", "T + '/ '", "T + '/*'", "T + '/[b]'", "T + '/{a,b}'",
    "T + '/back\\\\slash'", "T + '/\\xe9'", "T + '/e\\u0301'", "T + '/...'", "T + '/\\0'", "T + '/f\\0'",
]  # fmt: skip
ODD_LOOKS = ["os.path.exists({})", "os.path.isdir({})", "os.path.lexists({})", "len(os.path.realpath({}))"]


def test_odd_paths_are_as_on_linux(built_source: BuildSource, tmp_path: Path) -> None:
    """Slashes at the start, names too long, of any bytes, and with the characters of patterns."""
    folder = tmp_path.resolve()
    (folder / "d").mkdir()
    for name in ("f", "n" * 255, "\udcff", "\n", " ", "*", "[b]", "{a,b}", "back\\slash", "\xe9", "e\u0301"):
        (folder / name).touch()
    asked = [
        look.format(path)
        for path in ODD_PATHS
        for look in ODD_LOOKS
        if not path.endswith((r"\0'", r"\udc41'")) or "real" not in look  # which raises
    ]
    rule = FileSystemRule(read=[f"{folder}", f"{folder}/**"])
    space: dict[str, Any] = {}
    exec(EVALUATE, space)

    with Sandbox(GrantSet(fs=FileSystemCapability([rule]))) as sandbox:
        config = {"expressions": asked, "folder": str(folder)}
        result = sandbox.load(built_source(EVALUATOR)).check(config)

    assert result.data is not None, result
    expected = space["evaluated"](asked, str(folder))
    assert dict(zip(asked, result.data["found"], strict=True)) == dict(zip(asked, expected, strict=True))


def test_listing_names_asks_for_nothing_else(built_source: BuildSource, tmp_path: Path) -> None:
    """A directory of many names is listed without a look at each; an entry's inode is the file's."""
    folder = tmp_path.resolve()
    for number in range(500):
        (folder / f"file{number:03}").touch()
    looks: list[str] = []
    rule = FileSystemRule(read=[f"{folder}", f"{folder}/**"])
    same = "all(e.inode() == e.stat().st_ino == os.stat(e.path).st_ino for e in [*os.scandir(T)][:3])"
    asked = ["len(os.listdir(T))", "sum(e.is_file() for e in os.scandir(T))", same]
    grants = GrantSet(fs=FileSystemCapability([rule]))

    with Sandbox(grants, file_observer=lambda path, changes: looks.append(path)) as sandbox:
        result = sandbox.load(built_source(EVALUATOR)).check({"expressions": asked, "folder": str(folder)})

    assert result.data == {"found": ["500", "500", "True"]}
    assert len(looks) < 100


def test_too_many_open_files_are_told_as_such(built_source: BuildSource, tmp_path: Path) -> None:
    """As the system tells it of a process."""
    folder = tmp_path.resolve()
    (folder / "f").touch()
    rule = FileSystemRule(read=[f"{folder}/**"])
    asked = ["[os.open(T + '/f', os.O_RDONLY) for _ in range(200)]"]
    with Sandbox(GrantSet(fs=FileSystemCapability([rule]))) as sandbox:
        result = sandbox.load(built_source(EVALUATOR)).check({"expressions": asked, "folder": str(folder)})
    assert result.data == {"found": ["EMFILE"]}


def test_what_may_be_written_is_told_where_a_write_fails(built_source: BuildSource, tmp_path: Path) -> None:
    """A full quota is an error of its own, not one of the disk's."""
    folder = tmp_path.resolve()
    rule = FileSystemRule(read=[f"{folder}/**"], write=[f"{folder}/**"])
    with Sandbox(GrantSet(fs=FileSystemCapability([rule])), limits=Limits(written_bytes=10_000)) as sandbox:
        written = "io.FileIO(T + '/new', 'w').write(b'x' * 20_000)"
        result = sandbox.load(built_source(EVALUATOR)).check(
            {"expressions": [written], "folder": str(folder)}
        )

    assert result.data == {"found": [errno.errorcode[errno.EDQUOT]]}
