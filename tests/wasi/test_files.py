"""Files and directories of a read-only tree, as a guest sees them."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reglet.infrastructure.wasi.memory import Errno
from tests.wasi.guest import BUFFER, PATH, READ, RESULT, SIZE, VECTOR, WRITE, Guest

FILES = {"b.txt": b"hello world", "a/x.py": b"x = 1", "a/deep/y": b""}


def test_a_file_is_read_in_pieces() -> None:
    """Each read goes on where the last one ended; the end is empty."""
    guest = Guest(files=FILES)
    file = guest.open("b.txt")

    assert [guest.read(file, 6), guest.read(file, 6), guest.read(file)] == [b"hello ", b"world", b""]


def test_a_read_at_an_offset_leaves_the_position() -> None:
    """A positioned read does not move the next plain one."""
    guest = Guest(files=FILES)
    file = guest.open("b.txt")

    assert [guest.read(file, 5, offset=6), guest.read(file, 5)] == [b"world", b"hello"]


@pytest.mark.parametrize(("offset", "whence", "position"), [(4, 0, 4), (2, 1, 2), (-3, 2, 8)])
def test_seeking(offset: int, whence: int, position: int) -> None:
    """From the start, from the position, and from the end."""
    guest = Guest(files=FILES)
    file = guest.open("b.txt")

    assert guest.call("fd_seek", file, offset, whence, RESULT) == Errno.SUCCESS
    assert guest.long_result() == position
    assert guest.call("fd_tell", file, RESULT) == Errno.SUCCESS
    assert guest.long_result() == position


def test_seeking_before_the_start_is_refused() -> None:
    """A position is never negative."""
    guest = Guest(files=FILES)

    assert guest.call("fd_seek", guest.open("b.txt"), -1, 0, RESULT) == Errno.INVAL


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("none", Errno.NOENT),
        ("a/none", Errno.NOENT),
        ("b.txt/x", Errno.NOTDIR),
        ("", Errno.NOENT),
        ("/etc/passwd", Errno.NOTCAPABLE),
        ("..", Errno.NOTCAPABLE),
        ("a/../../x", Errno.NOTCAPABLE),
        ("b.txt\0", Errno.ILSEQ),
        ("./" * 2048 + "b.txt", Errno.NAMETOOLONG),
    ],
)
def test_a_path_that_leads_nowhere(path: str, error: Errno) -> None:
    """Each is refused for what it is; none leaves the directory."""
    assert Guest(files=FILES).open(path) == error


def test_a_path_may_go_up_within_its_directory() -> None:
    """`..` is followed as long as it stays inside."""
    guest = Guest(files=FILES)

    assert guest.read(guest.open("a/deep/../x.py")) == b"x = 1"


def test_a_directory_does_not_lead_above_itself() -> None:
    """An opened directory is a root for what is opened below it."""
    guest = Guest(files=FILES)
    folder = guest.open("a", how=2)

    assert guest.read(guest.open("x.py", number=folder)) == b"x = 1"
    assert guest.open("../b.txt", number=folder) == Errno.NOTCAPABLE


@pytest.mark.parametrize("room", [4096, 64, 30])
def test_listing_a_directory(room: int) -> None:
    """Names come sorted, whatever room the guest gives; an entry that does not fit is asked for again."""
    guest = Guest(files={"z": b"", "a": b"", "m/n": b""})

    assert guest.names(3, room) == ["a", "m", "z"]


def test_status_tells_type_and_size_and_no_times() -> None:
    """Equal paths have equal inodes in every tree; times are zero."""
    first = Guest(files=FILES).status("b.txt")
    second = Guest(files={"b.txt": b"hello there"}).status("b.txt")

    assert first == second
    assert first[2:] == (4, 1, 11, 0, 0, 0)
    assert Guest(files=FILES).status("a")[2] == 3


@pytest.mark.parametrize(
    ("how", "rights", "path", "error"),
    [
        (0, WRITE, "b.txt", Errno.ROFS),
        (1, READ, "new", Errno.ROFS),
        (8, READ, "b.txt", Errno.ROFS),
        (1 | 4, READ, "b.txt", Errno.EXIST),
        (2, READ, "b.txt", Errno.NOTDIR),
    ],
)
def test_a_read_only_tree_is_not_opened_for_change(how: int, rights: int, path: str, error: Errno) -> None:
    """Writing, creating and truncating are refused."""
    assert Guest(files=FILES).open(path, how=how, rights=rights) == error


def test_a_read_only_tree_is_not_changed() -> None:
    """Every change of a name is refused."""
    guest = Guest(files=FILES)
    refused = [
        guest.path_call("path_create_directory", 3, "new", lookup=None),
        guest.path_call("path_remove_directory", 3, "a/deep", lookup=None),
        guest.path_call("path_unlink_file", 3, "b.txt", lookup=None),
        guest.path_call("path_filestat_set_times", 3, "b.txt", 0, 0, 5),
        guest.call("fd_filestat_set_size", guest.open("b.txt"), 0),
    ]

    assert refused == [Errno.ROFS] * 5
    assert guest.path_call("path_create_directory", 3, "a", lookup=None) == Errno.EXIST


def test_standard_streams() -> None:
    """Output goes to the sinks, input is at its end, and neither can be sought."""
    guest = Guest()

    assert [guest.write(1, b"out"), guest.write(2, b"err"), guest.read(0)] == [3, 3, b""]
    assert (guest.out, guest.err) == ([b"out"], [b"err"])
    assert guest.write(0, b"x") == Errno.BADF
    assert guest.call("fd_seek", 1, 0, 0, RESULT) == Errno.SPIPE


def test_descriptors_end_and_are_given_again() -> None:
    """A closed number is bad, and is the next to be given; what is left open is known by its guest path."""
    guest = Guest(files=FILES)
    first = guest.open("b.txt")
    guest.open("a/x.py")

    assert guest.call("fd_close", first) == Errno.SUCCESS
    assert guest.call("fd_close", first) == Errno.BADF
    assert [d.guest_path for d in guest.system.descriptors.opened_by_guest()] == ["/data/a/x.py"]
    assert guest.open("b.txt") == first


@pytest.mark.parametrize("count", [1025, 2**31 - 1, -1])
def test_a_transfer_has_so_many_parts_and_no_more(count: int) -> None:
    """A guest's memory holds tens of millions of them, which the host does not list."""
    guest = Guest(files=FILES)
    file = guest.open("b.txt")
    guest.memory.write(0, bytes(SIZE))

    assert guest.call("fd_read", file, 0, 1024, RESULT) == Errno.SUCCESS
    assert guest.call("fd_read", file, 0, count, RESULT) == Errno.INVAL
    assert guest.call("fd_write", 1, 0, count, RESULT) == Errno.INVAL


def test_a_guest_cannot_open_files_without_end() -> None:
    """The table is bounded."""
    guest = Guest(files=FILES)

    opened = [guest.open("b.txt") for _ in range(125)]

    assert opened[:-1] == list(range(4, 128))
    assert opened[-1] is Errno.MFILE


def test_preopens_are_found_one_after_another() -> None:
    """The search ends at the first number that is none."""
    guest = Guest()

    assert guest.call("fd_prestat_get", 3, RESULT) == Errno.SUCCESS
    assert guest.memory.read(RESULT, 8) == struct.pack("<II", 0, 5)
    assert guest.call("fd_prestat_dir_name", 3, BUFFER, 5) == Errno.SUCCESS
    assert guest.memory.read(BUFFER, 5) == b"/data"
    assert guest.call("fd_prestat_get", 4, RESULT) == Errno.BADF


@given(st.tuples(st.integers(-(2**31), 2**31 - 1), st.integers(-(2**31), 2**31 - 1)))
def test_addresses_beyond_memory_are_faults(vector: tuple[int, int]) -> None:
    """Whatever addresses a guest gives, nothing outside its memory is touched and nothing is raised."""
    guest = Guest(files=FILES)
    file = guest.open("b.txt")
    address, size = vector
    guest.memory.write(VECTOR, struct.pack("<ii", address, size))

    error = guest.call("fd_read", file, VECTOR, 1, RESULT)

    inside = (address & 0xFFFFFFFF) + min(size & 0xFFFFFFFF, 11) <= SIZE
    assert error == (Errno.SUCCESS if inside else Errno.FAULT)
    assert guest.system.failure is None


def test_descriptors_tell_what_they_are() -> None:
    """Type and rights: streams are devices, directories and files are read, nothing is written."""
    guest = Guest(files=FILES)
    told = []
    for number in (0, 1, 3, guest.open("b.txt")):
        assert guest.call("fd_fdstat_get", number, RESULT) == Errno.SUCCESS
        kind, rights = struct.unpack("<BxHxxxxQQ", guest.memory.read(RESULT, 24))[0::2]
        told.append((kind, bool(rights & READ), bool(rights & WRITE)))

    assert told == [(2, True, False), (2, False, True), (3, True, False), (4, True, False)]


def test_the_status_of_what_is_open() -> None:
    """A file's size and a stream's type, by descriptor."""
    guest = Guest(files=FILES)

    assert guest.call("fd_filestat_get", guest.open("b.txt"), RESULT) == Errno.SUCCESS
    assert struct.unpack("<QQB7xQQQQQ", guest.memory.read(RESULT, 64))[2:5] == (4, 1, 11)
    assert guest.call("fd_filestat_get", 1, RESULT) == Errno.SUCCESS
    assert guest.memory.read(RESULT, 64)[16] == 2


def test_what_a_read_only_file_refuses() -> None:
    """Writing, cutting and setting times; advice and syncing are harmless."""
    guest = Guest(files=FILES)
    file = guest.open("b.txt")
    guest.memory.write(VECTOR, struct.pack("<II", BUFFER, 1))

    assert guest.write(file, b"x") == Errno.ROFS
    assert guest.call("fd_pwrite", file, VECTOR, 1, 0, RESULT) == Errno.ROFS
    assert guest.call("fd_filestat_set_times", file, 0, 0, 10) == Errno.ROFS
    assert [guest.call("fd_sync", file), guest.call("fd_datasync", file)] == [Errno.SUCCESS] * 2
    assert guest.call("fd_advise", file, 0, 0, 0) == Errno.SUCCESS


def test_directories_are_neither_read_nor_written() -> None:
    """And files are not listed."""
    guest = Guest(files=FILES)
    file = guest.open("b.txt")

    assert guest.read(3) == Errno.ISDIR
    assert guest.write(3, b"x") == Errno.ISDIR
    assert guest.call("fd_readdir", file, BUFFER, 100, 0, RESULT) == Errno.NOTDIR
    assert guest.open("x", number=file) == Errno.NOTDIR


def test_links_and_moved_descriptors_are_not_supported() -> None:
    """None of our trees has links; reading one says that it is none."""
    guest = Guest(files=FILES)

    assert guest.path_call("path_readlink", 3, "b.txt", BUFFER, 100, RESULT, lookup=None) == Errno.INVAL
    assert guest.call("path_symlink", PATH, 1, 3, PATH, 1) == Errno.NOTSUP
    assert guest.call("path_link", 3, 0, PATH, 1, 3, PATH, 1) == Errno.NOTSUP
    assert guest.call("fd_renumber", 3, 1) == Errno.NOTSUP
    assert guest.call("fd_fdstat_set_flags", 3, 1) == Errno.NOTSUP


def test_names_are_not_moved_in_a_read_only_tree() -> None:
    """A rename within it is refused, and so is a name that is cut short for its preopen."""
    guest = Guest(files=FILES)
    guest.memory.write(PATH, b"b.txt")

    assert guest.call("path_rename", 3, PATH, 5, 3, PATH, 4) == Errno.ROFS
    assert guest.call("fd_prestat_dir_name", 3, BUFFER, 2) == Errno.NAMETOOLONG


def test_what_was_listed_is_let_go_when_it_is_too_much() -> None:
    """A guest has 128 directories open at most, and their names are the host's memory."""
    guest = Guest(files={f"{folder}/{number}": b"" for folder in ("one", "two") for number in range(51_000)})
    one, two = guest.open("one", how=2), guest.open("two", how=2)
    for number in (one, two):
        assert guest.call("fd_readdir", number, BUFFER, 4096, 0, RESULT) == Errno.SUCCESS
    kept = [guest.system.descriptors.file(number).listing for number in (one, two)]
    assert kept[0] is None
    assert kept[1] is not None
    assert guest.call("fd_readdir", one, BUFFER, 4096, 2, RESULT) == Errno.SUCCESS
    assert guest.memory.read(BUFFER + 24, 2) == b"10"
