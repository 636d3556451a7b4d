"""The built file is written whole or not at all."""

import os
from pathlib import Path

import pytest

from reglet.infrastructure.build.build import write_output
from reglet.infrastructure.build.errors import OutputError


def test_a_named_file(tmp_path: Path) -> None:
    """What stood there before is replaced, and nothing lies beside it."""
    (tmp_path / "a.wasm").write_bytes(b"old")

    assert write_output(tmp_path / "a.wasm", "name.wasm", b"new") == tmp_path / "a.wasm"
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a.wasm", b"new")]


def test_a_pipe_and_a_link_stay_what_they_are(tmp_path: Path) -> None:
    """A pipe is written to, and so is what a link points to: neither is replaced by a file."""
    reading, writing = os.pipe()
    (tmp_path / "link").symlink_to(tmp_path / "a.wasm")

    write_output(tmp_path / "link", "name.wasm", b"new")
    write_output(Path(f"/dev/fd/{writing}"), "name.wasm", b"piped")

    assert ((tmp_path / "link").is_symlink(), (tmp_path / "a.wasm").read_bytes()) == (True, b"new")
    assert os.read(reading, 9) == b"piped"
    os.close(reading)
    os.close(writing)


def test_a_folder(tmp_path: Path) -> None:
    """A folder gets the file by the plugin's name."""
    assert write_output(tmp_path, "name.wasm", b"new") == tmp_path / "name.wasm"


def test_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a place, the file goes where the command runs."""
    monkeypatch.chdir(tmp_path)

    assert write_output(None, "name.wasm", b"new").resolve() == (tmp_path / "name.wasm").resolve()


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    """The text names the place, the cause and the option."""
    with pytest.raises(OutputError, match="No such file or directory; choose another place with -o"):
        write_output(tmp_path / "absent" / "a.wasm", "name.wasm", b"new")
