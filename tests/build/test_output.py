"""The built file is written whole or not at all."""

from pathlib import Path

import pytest

from reglet.infrastructure.build.errors import OutputError
from reglet.infrastructure.build.output import write_output


def test_a_named_file(tmp_path: Path) -> None:
    """What stood there before is replaced, and nothing lies beside it."""
    (tmp_path / "a.wasm").write_bytes(b"old")

    assert write_output(tmp_path / "a.wasm", "name.wasm", b"new") == tmp_path / "a.wasm"
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a.wasm", b"new")]


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
