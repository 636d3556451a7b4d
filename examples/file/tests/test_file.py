"""The file plugin, on real files."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reglet import Context, Plugin, Result
from reglet.testing import (
    FakeHost,
    TestCase,
    assert_data_field,
    assert_error,
    assert_failure,
    assert_never_traps,
    assert_success,
    run_plugin_tests,
)

Check = Callable[..., Result]


@pytest.fixture
def check(plugin: Plugin) -> Check:
    """Check a path with more config."""

    def call(path: Path, **config: Any) -> Result:
        return FakeHost.of(plugin).check(plugin, {"path": str(path), **config})

    return call


@pytest.fixture
def hello(tmp_path: Path) -> Path:
    """Return a file that only its owner may write."""
    file = tmp_path / "hello.txt"
    file.write_text("hello world")
    file.chmod(0o644)
    return file


def test_a_file_is_described(plugin: Plugin, hello: Path) -> None:
    """Whether it can be read, and how large it is."""
    described = {"exists": True, "readable": True, "is_dir": False, "is_symlink": False, "size": 11}
    not_asked_for = {"contains": None, "checksum": "", "algorithm": ""}
    run_plugin_tests(
        plugin,
        [
            TestCase(
                "file",
                {"path": str(hello)},
                expect_status="success",
                expect_data={**described, **not_asked_for},
            )
        ],
    )


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(0, "1970-01-01T00:00:00Z"), (1.9, "1970-01-01T00:00:01Z"), (-1, "1969-12-31T23:59:59Z")],
)
def test_a_file_may_be_as_old_as_it_likes(check: Check, hello: Path, seconds: float, written: str) -> None:
    """The first second of 1970 is a time like any other, and so is what is older."""
    os.utime(hello, (0, seconds))
    assert_data_field(check(hello), "mod_time", written)


def test_permissions_and_owner_are_told_or_not_known(check: Check, hello: Path) -> None:
    """Never 0 for what the platform does not tell, as in a sandbox."""
    status = hello.stat()
    result = check(hello)
    assert result.data is not None
    known = {name: result.data[name] for name in ("permissions", "mode", "uid", "gid")}
    if result.data["mode_known"]:
        assert known == {"permissions": "0644", "mode": "0644", "uid": status.st_uid, "gid": status.st_gid}
    else:
        assert known == {"permissions": None, "mode": None, "uid": None, "gid": None}


def test_a_missing_file_is_data(check: Check, tmp_path: Path) -> None:
    """Nothing that is not known is 0: `data.uid == 0` must not hold of it."""
    result = check(tmp_path / "missing")
    assert_success(result)
    assert_data_field(result, "exists", expected=False)
    assert_data_field(result, "size", 0)
    for name in ("uid", "gid", "mode", "permissions"):
        assert_data_field(result, name, None)


def test_every_place_that_is_declared_can_be_asked_about(plugin: Plugin, check: Check) -> None:
    """Also one that this machine does not have."""
    files = plugin.manifest(Context()).capabilities.fs
    assert files is not None
    for place in files.rules[0].read:
        result = check(Path(place.replace("**", "no/such/file")))
        assert_data_field(result, "exists", expected=False)


def test_a_missing_file_that_was_expected_is_a_failure(check: Check, tmp_path: Path) -> None:
    """Whatever was expected of it."""
    assert_failure(check(tmp_path / "missing", contains="x"))


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes with names")
def test_a_pipe_is_there_and_is_not_opened(check: Check, tmp_path: Path) -> None:
    """To open it would wait for whoever writes to it."""
    if sys.platform != "win32":
        os.mkfifo(tmp_path / "pipe")

    result = check(tmp_path / "pipe")

    assert_data_field(result, "exists", True)
    assert_data_field(result, "readable", False)


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes with names")
@pytest.mark.parametrize("asked", [{"contains": "x"}, {"algorithm": "sha256"}, {"checksum": "00"}])
def test_what_is_in_a_pipe_is_not_known(check: Check, tmp_path: Path, asked: dict[str, str]) -> None:
    """It is an error that names the path, no checksum of nothing."""
    if sys.platform != "win32":
        os.mkfifo(tmp_path / "pipe")
    assert_error(check(tmp_path / "pipe", **asked), f"read failed: {tmp_path / 'pipe'} is not readable")


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that cannot be read")
def test_a_read_that_fails_is_an_error_and_no_bug(check: Check, request: pytest.FixtureRequest) -> None:
    """Disks fail, and files vanish, after they were looked at."""
    if request.config.getoption("--reglet-place") != "fakes":
        pytest.skip("hosts show a plugin the memory of no process")
    result = check(Path("/proc/self/mem"), contains="x")
    assert_error(result, "read failed: /proc/self/mem: Input/output error", type="execution")


def test_a_time_before_1970_is_a_time(check: Check, hello: Path) -> None:
    """Of fakes, or of a clock that was wrong."""
    os.utime(hello, (0, -86400))
    assert_data_field(check(hello), "mod_time", "1969-12-31T00:00:00Z")


def test_the_time_0_is_a_time(check: Check, hello: Path) -> None:
    """Archives are unpacked with such times."""
    os.utime(hello, (0, 0))

    assert_data_field(check(hello), "mod_time", "1970-01-01T00:00:00Z")


def test_a_link_is_a_link(check: Check, hello: Path) -> None:
    """And what it leads to is described; a link that leads nowhere does not exist."""
    link = hello.with_name("link")
    link.symlink_to(hello)
    dangling = hello.with_name("dangling")
    dangling.symlink_to("nowhere")
    result = check(link)
    assert_data_field(result, "is_symlink", expected=True)
    assert_data_field(result, "size", 11)
    lost = check(dangling)
    assert_data_field(lost, "exists", expected=False)
    assert_data_field(lost, "is_symlink", expected=True)


@pytest.mark.parametrize("algorithm", ["md5", "sha256", "sha512"])
def test_each_checksum_is_made(check: Check, hello: Path, algorithm: str) -> None:
    """Over the whole content."""
    content = b"0123456789abcdef" * 10_000
    hello.write_bytes(content)
    digest = hashlib.new(algorithm, content, usedforsecurity=False).hexdigest()
    result = check(hello, algorithm=algorithm, checksum=digest.upper())
    assert_success(result)
    assert_data_field(result, "checksum", digest)
    assert_data_field(result, "algorithm", algorithm)


def test_another_checksum_is_a_failure(check: Check, hello: Path) -> None:
    """Without an algorithm it is SHA-256."""
    result = check(hello, checksum="00")
    assert_failure(result)
    assert_data_field(result, "algorithm", "sha256")
    assert result.message.startswith("Checksum mismatch: expected 00, got ")
    assert result.error is None


def test_other_permissions_are_a_failure(check: Check, hello: Path) -> None:
    """Three digits are as good as four; where nothing is known, nothing is claimed."""
    if not dict(check(hello).data or {})["mode_known"]:
        assert_error(
            check(hello, permissions="644"), "does not report permissions", code="unsupported_option"
        )
        return
    assert_success(check(hello, permissions="644"))
    result = check(hello, permissions="0600")
    assert_failure(result)
    assert_data_field(result, "expectation_error", "Permissions mismatch: expected 0600, got 0644")


def test_a_text_is_found_wherever_the_pieces_are_cut(check: Check, hello: Path) -> None:
    """Files are read 64 KiB at a time."""
    hello.write_bytes(b"x" * 65_533 + b"needle" + b"x" * 10)
    found = check(hello, contains="needle")
    assert_success(found)
    assert_data_field(found, "contains", expected=True)
    missed = check(hello, contains="noodle")
    assert_failure(missed)
    assert_data_field(missed, "contains", expected=False)


def test_a_directory_has_no_content(check: Check, tmp_path: Path) -> None:
    """But it is there."""
    assert_data_field(check(tmp_path), "is_dir", expected=True)
    assert_error(check(tmp_path, algorithm="md5"), "cannot calculate checksum of a directory")
    assert_error(check(tmp_path, contains="x"), "cannot read content of a directory")


def test_in_a_sandbox_what_was_not_granted_is_an_error(check: Check, request: pytest.FixtureRequest) -> None:
    """And not a missing file."""
    if request.config.getoption("--reglet-place") == "fakes":
        pytest.skip("in process, files are not sandboxed")
    assert_error(check(Path("/proc/version")), "fs:read:/proc/version", type="capability")


@pytest.mark.parametrize("path", ["/a\0b", "/\ud800"])
def test_what_cannot_be_a_path_is_refused(plugin: Plugin, path: str) -> None:
    """As JSON can say it."""
    assert_error(FakeHost.of(plugin).check(plugin, {"path": path}), "path", type="config")


def test_a_text_that_no_file_can_hold_is_not_found(check: Check, hello: Path) -> None:
    """Half a surrogate pair is JSON, and no UTF-8."""
    assert_failure(check(hello, contains="\ud800"))


def test_a_relative_path_starts_in_the_working_directory(
    check: Check, hello: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """As profiles have it: `path: go.mod`."""
    if request.config.getoption("--reglet-place") == "go":
        pytest.skip("on a Go host it starts in the first of the host's directories")
    monkeypatch.chdir(hello.parent)
    assert_data_field(check(Path(hello.name)), "size", 11)


def test_no_path_at_all_is_refused(plugin: Plugin) -> None:
    """An empty one names nothing."""
    assert_error(FakeHost.of(plugin).check(plugin, {"path": ""}), "path", type="config")


def test_a_path_that_leads_through_a_file_is_an_error(check: Check, hello: Path) -> None:
    """What the file system says comes through."""
    assert_error(check(hello / "below"), "fs error: ", type="execution")


def test_it_never_traps(plugin: Plugin) -> None:
    """Whatever config a host sends, there is a Result and no bug."""
    assert_never_traps(plugin, max_examples=5)
