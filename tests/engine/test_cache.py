"""The folder of kept files: what is damaged is absent, what is old is dropped."""

import os
import sys
import threading
from pathlib import Path

import platformdirs
import pytest

from reglet.infrastructure.engine import Cache, cache_folder


def test_what_was_written_is_read(tmp_path: Path) -> None:
    """An entry comes back as it was."""
    cache = Cache(tmp_path / "entries", most_entries=4)

    cache.write("one", b"content")

    assert cache.read("one") == b"content"


def test_an_absent_entry_is_none(tmp_path: Path) -> None:
    """A key never written has neither content nor path."""
    cache = Cache(tmp_path / "entries", most_entries=4)

    assert (cache.read("one"), cache.path("one")) == (None, None)


def test_a_damaged_entry_is_absent(tmp_path: Path) -> None:
    """Cut short, emptied, or with any byte changed, an entry is not returned."""
    cache = Cache(tmp_path, most_entries=4)
    cache.write("one", b"content")
    whole = (tmp_path / "one").read_bytes()
    damaged = [whole[:cut] for cut in range(len(whole))]
    damaged += [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in range(len(whole))]

    seen = set()
    for content in damaged:
        (tmp_path / "one").write_bytes(content)
        seen.add(cache.read("one"))

    assert seen == {None}


def test_the_oldest_entries_are_dropped(tmp_path: Path) -> None:
    """One entry too many pushes out the one that was not used for longest."""
    cache = Cache(tmp_path, most_entries=2)
    for age, key in ((300, "unused"), (400, "used")):
        cache.write(key, b"x")
        os.utime(tmp_path / key, (1_000_000 - age, 1_000_000 - age))
    cache.read("used")

    cache.write("new", b"y")

    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "used"]


def test_a_folder_that_cannot_be_written_keeps_nothing(tmp_path: Path, caplog) -> None:
    """Where a file stands in the folder's place, the log says what to set and the program goes on."""
    (tmp_path / "file").write_text("")
    cache = Cache(tmp_path / "file", most_entries=2)

    cache.write("one", b"x")

    assert cache.read("one") is None
    assert "set REGLET_CACHE_DIR to another folder" in caplog.text


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="modes say nothing on this system")
@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
@pytest.mark.parametrize("what", ["one", "."])
def test_what_others_may_write_is_not_read(tmp_path: Path, caplog, what: str, mode: int) -> None:
    """Entries are code that will be run: one that another user may have put there counts as absent."""
    cache = Cache(tmp_path / "entries", most_entries=4)
    cache.write("one", b"x")

    (tmp_path / "entries" / what).chmod(mode)

    assert (cache.read("one"), cache.path("one")) == (None, None)
    assert "others may have written it" in caplog.text


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="modes say nothing on this system")
@pytest.mark.parametrize("levels", [1, 2])
def test_what_others_may_move_is_not_read(tmp_path: Path, caplog, levels: int) -> None:
    """Who may write to a folder above puts another in the place of the folder below."""
    cache = Cache(tmp_path / "above" / "cache" / "entries", most_entries=4)
    cache.write("one", b"x")
    above = cache.folder.parents[levels - 1]

    above.chmod(0o1777)  # as /tmp is
    kept = cache.read("one")
    above.chmod(0o777)

    assert (kept, cache.read("one"), cache.path("one")) == (b"x", None, None)
    assert f"{above} is not used, for others may have written it" in caplog.text


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="modes say nothing on this system")
def test_a_link_to_a_folder_that_others_may_move_is_not_read(tmp_path: Path) -> None:
    """Where a folder really lies counts too."""
    (tmp_path / "real" / "cache").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "real" / "cache")
    cache = Cache(tmp_path / "link" / "entries", most_entries=4)
    cache.write("one", b"x")

    (tmp_path / "real").chmod(0o777)

    assert cache.read("one") is None


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")
@pytest.mark.parametrize("what", ["one", "."])
def test_what_another_user_owns_is_not_read(tmp_path: Path, what: str) -> None:
    """A folder that stood there before, of whoever made it, is not trusted either."""
    cache = Cache(tmp_path / "entries", most_entries=4)
    cache.write("one", b"x")

    os.chown(tmp_path / "entries" / what, 12345, -1)

    assert cache.read("one") is None


def test_writers_at_once_leave_one_whole_entry(tmp_path: Path) -> None:
    """Eight writers of one key leave the content of one of them and no other file."""
    cache = Cache(tmp_path, most_entries=20)
    contents = [bytes([number]) * 100_000 for number in range(8)]
    writers = [threading.Thread(target=cache.write, args=("one", content)) for content in contents]

    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert cache.read("one") in contents
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


def test_the_environment_chooses_the_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without `REGLET_CACHE_DIR` the folder is the platform's, and named after us."""
    monkeypatch.setenv("REGLET_CACHE_DIR", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("REGLET_CACHE_DIR")
    assert "reglet" in cache_folder().parts[-2:]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere platformdirs itself is asked")
@pytest.mark.parametrize(
    "environment",
    [
        {"HOME": "/home/a"},
        {"HOME": "/home/a/", "XDG_CACHE_HOME": ""},
        {"HOME": "/"},
        {"HOME": "/home/a", "XDG_CACHE_HOME": "/var/x"},
        {"HOME": "/home/a", "XDG_CACHE_HOME": "relative"},
        {"HOME": "relative"},
        {"XDG_CACHE_HOME": "/var/x/"},
        {},
    ],
    ids=str,
)
def test_the_folder_is_that_of_platformdirs(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it was asked or not."""
    for name in ("REGLET_CACHE_DIR", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert cache_folder() == platformdirs.user_cache_path("reglet", appauthor=False)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
def test_a_pipe_in_place_of_an_entry_is_absent_and_replaced(tmp_path: Path) -> None:
    """Neither to read nor to write it waits for the other end."""
    cache = Cache(tmp_path, most_entries=4)
    os.mkfifo(tmp_path / "one", 0o600)

    before = cache.read("one")
    cache.write("one", b"content")

    assert (before, cache.read("one")) == (None, b"content")
