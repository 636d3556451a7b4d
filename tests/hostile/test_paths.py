"""Guests that look for a way out of the files that they were granted: by names, by links, and by swaps."""

from __future__ import annotations

import ctypes
import inspect
import os
import random
import struct
import sys
import threading
from pathlib import Path

import pytest

from reglet.domain.entities.grants import FileSystemCapability, FileSystemRule, GrantSet
from reglet.domain.policy import Policy
from reglet.infrastructure.wasi.granted import GrantedPaths, GrantedTree
from reglet.infrastructure.wasi.memory import Errno
from reglet.infrastructure.wasi.preview1 import Preview1
from reglet.infrastructure.wasi.system import SteppingClock
from tests.wasi.guest import BUFFER, PATH, READ, RESULT, SIZE, VECTOR, WRITE, Guest

SECRET = b"nobody granted this"

LINKS = {
    "open/link": "../secret/key",
    "open/folder": "../secret",
    "open/closed": "../secret/",
    "open/up": "..",
    "open/top": "/",
    "open/here": ".",
    "open/one": "two",
    "open/two": "folder",
    "open/circle": "circle",
    "open/dangling": "../secret/absent",
    "open/process": "/proc/self",
    "open/descriptors": "/dev/fd",
    "open/deep/far": "../../secret",
    "open/deep/winding": "../../open/deep/../up/secret",
    "open/w/out": "../../secret/key",
    "open/w/away": "../../secret",
    "open/w/fresh": "../../secret/new",
    "open/w/beside": "../a.txt",
}

PATHS = [
    "secret/key", "secret/./key", "secret//key", "secret/key/", "secret/key/.", "secret/../secret/key",
    "open/../secret/key", "open/./../secret/key", "open//..//secret//key", "open/deep/../../secret/key",
    "open/deep/.././../secret/key", "open/../open/../secret/key", "open/.../../secret/key", "open/.. /secret/key",
    "open/a.txt/../../secret/key", "open/a.txt/../link", "open/absent/../../secret/key", "open/absent/../link",
    "open/link", "open/link/", "open/link/.", "open/link/..", "open/./link", "open/deep/../link", "open/here/link",
    "open/folder/key", "open/folder/./key", "open/folder//key", "open/folder/../secret/key", "open/folder/../open/link",
    "open/closed/key", "open/up/secret/key", "open/up/open/../secret/key", "open/up/up/secret/key",
    "open/here/../secret/key", "open/here/here/here/../link", "open/one/key", "open/two/key", "open/circle/../../secret/key",
    "open/dangling", "open/dangling/../key", "open/deep/far/key", "open/deep/winding/key", "open/top{root}/secret/key",
    "open/top/proc/self/environ", "open/process/environ", "open/process/root{root}/secret/key", "open/process/cwd",
    "open/process/fd/0", "open/descriptors/0", "{up}{root}/secret/key", "{up}proc/self/environ", "/{root}/secret/key",
    "//secret/key", "/../secret/key", "open/%2e%2e/secret/key", "open/..%2fsecret/key", "open\\..\\secret\\key",
    "open/\uff0e\uff0e/secret/key", "open/..\u2215secret\u2215key", "open/..\0/../secret/key", "secret/key\0.txt",
    "open/link\0", "SECRET/KEY", "secre*/key", "s?cret/key", "~/../secret/key", "open/" + "./" * 1500 + "link",
    "open/" + "here/" * 45 + "link", "open/" + "deep/../" * 300 + "link", "open/" + "up/open/" * 39 + "link",
]  # fmt: skip


@pytest.fixture
def root(tmp_path):
    """A folder with what is granted, what is not, and links from one to the other."""
    root = Path(os.path.realpath(tmp_path))
    for name in ("open/a.txt", "open/deep/c.txt", "open/w/own.txt"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("granted")
    (root / "secret/inner").mkdir(parents=True)
    (root / "secret/key").write_bytes(SECRET)
    for name, target in LINKS.items():
        (root / name).symlink_to(target)
    return root


def guest_in(root):
    """Return a guest that may read below `open` and write below `open/w`; its directory 3 is the root."""
    rule = FileSystemRule(read=[f"{root}/open/**"], write=[f"{root}/open/w/**"])
    policy = Policy(GrantSet(fs=FileSystemCapability([rule])))
    return Guest(tree=GrantedTree(GrantedPaths.of(policy, str(root)), str(root)))


def found(guest, path, number=3):
    """Return all that a guest learns of a path: its bytes, names, sizes and targets."""
    learned = []
    for how in (0, 1, 2, 8):
        for lookup in (0, 1):
            content = path.encode()
            guest.memory.write(PATH, content)
            arguments = (number, lookup, PATH, len(content), how, READ, 0, 0, RESULT)
            if guest.call("path_open", *arguments) is Errno.SUCCESS:
                opened = guest.result()
                learned.append(guest.read(opened))
                if how == 2:
                    guest.call("fd_readdir", opened, BUFFER, 4096, 0, RESULT)
                    learned.append(guest.memory.read(BUFFER, guest.result()))
                guest.call("fd_close", opened)
        if guest.path_call("path_filestat_get", number, path, RESULT, lookup=how & 1) is Errno.SUCCESS:
            learned.append(struct.unpack_from("<Q", guest.memory.read(RESULT, 64), 32)[0])
    return learned


def test_what_was_granted_is_found(root):
    """Else the tests below would hold of anything."""
    learned = found(guest_in(root), "open/deep/../a.txt")
    assert b"granted" in learned
    assert len(b"granted") in learned


@pytest.mark.unmeasured
@pytest.mark.parametrize("path", PATHS, ids=range(len(PATHS)))
@pytest.mark.parametrize(
    "start", ["", "open", "open/deep", "open/a.txt"], ids=["top", "open", "deep", "file"]
)
def test_no_path_leads_to_what_was_not_granted(root, path, start):
    """From any directory that the guest can open, with and without following a last link."""
    guest = guest_in(root)
    path = path.replace("{root}", str(root)).replace("{up}", "../" * 20)
    number = 3
    if start:
        number = guest.open(start, how=0 if "." in start else 2)
        path = path if path.startswith(("/", "..")) else "../" * (start.count("/") + 1) + path
    learned = found(guest, path, number)
    assert SECRET not in learned
    assert len(SECRET) not in learned
    assert not any(isinstance(each, bytes) and (b"inner" in each or b"PATH=" in each) for each in learned)


def _opened(guest, path, *, how=0, rights=READ | WRITE, flags=0, content=b"evil"):
    number = guest.open(path, how=how, rights=rights, flags=flags)
    if not isinstance(number, Errno):
        guest.write(number, content)
        guest.call("fd_pwrite", number, VECTOR, 1, 0, RESULT)
        guest.call("fd_filestat_set_size", number, 0)
        guest.call("fd_filestat_set_times", number, 0, 0, 15)
        guest.call("fd_close", number)


def _moved(guest, old, new):
    guest.memory.write(PATH, old.encode())
    guest.memory.write(PATH + 1024, new.encode())
    guest.call("path_rename", 3, PATH, len(old), 3, PATH + 1024, len(new))


def _linked(guest, target, name):
    guest.memory.write(PATH, target.encode())
    guest.memory.write(PATH + 1024, name.encode())
    for call, arguments in (
        ("path_link", (3, 0, PATH, len(target), 3, PATH + 1024, len(name))),
        ("path_symlink", (PATH, len(target), 3, PATH + 1024, len(name))),
    ):
        if call in guest.functions:
            guest.call(call, *arguments)


def _readable(guest, path):
    number = guest.open(path, rights=READ)
    if not isinstance(number, Errno):
        guest.write(number, b"evil")
        guest.call("fd_filestat_set_size", number, 0)
        guest.call("fd_filestat_set_times", number, 0, 0, 15)
        guest.call("fd_allocate", number, 0, 4096) if "fd_allocate" in guest.functions else None
        guest.call("fd_fdstat_set_flags", number, 1)
        guest.write(number, b"evil")


CREATE, EXCLUSIVE, TRUNCATE, APPEND = 1, 4, 8, 1
WRITES = {
    "a file that may be read alone": lambda guest: _opened(guest, "open/a.txt"),
    "the same, to write alone": lambda guest: _opened(guest, "open/a.txt", rights=WRITE),
    "the same, to append": lambda guest: _opened(guest, "open/a.txt", flags=APPEND),
    "the same, cut while it is opened": lambda guest: _opened(guest, "open/a.txt", how=TRUNCATE, rights=READ),
    "the same, made anew": lambda guest: _opened(guest, "open/a.txt", how=CREATE | TRUNCATE),
    "the same, from what may be written": lambda guest: _opened(guest, "open/w/../a.txt"),
    "the same, by a link": lambda guest: _opened(guest, "open/w/beside"),
    "the same, by a link that is not followed": lambda guest: guest.path_call(
        "path_open", 3, "open/w/beside", 1, WRITE, 0, 0, RESULT, lookup=0
    ),
    "a descriptor to read from": lambda guest: _readable(guest, "open/a.txt"),
    "a secret": lambda guest: _opened(guest, "secret/key"),
    "a secret, cut": lambda guest: _opened(guest, "secret/key", how=TRUNCATE, rights=READ),
    "a secret, by a link": lambda guest: _opened(guest, "open/w/out", how=CREATE | TRUNCATE),
    "a secret, by a linked folder": lambda guest: _opened(guest, "open/w/away/key", how=CREATE),
    "a new secret": lambda guest: _opened(guest, "secret/new", how=CREATE),
    "a new secret, by a linked folder": lambda guest: _opened(guest, "open/w/away/new", how=CREATE),
    "a new secret, by a link to nothing": lambda guest: _opened(guest, "open/w/fresh", how=CREATE),
    "the same, which must be new": lambda guest: _opened(guest, "open/w/fresh", how=CREATE | EXCLUSIVE),
    "a new file beside": lambda guest: _opened(guest, "open/new", how=CREATE),
    "a new file above": lambda guest: _opened(guest, "open/w/../../new", how=CREATE),
    "a file onto another": lambda guest: _moved(guest, "open/w/own.txt", "open/a.txt"),
    "a file onto a secret": lambda guest: _moved(guest, "open/w/own.txt", "secret/key"),
    "a file into a linked folder": lambda guest: _moved(guest, "open/w/own.txt", "open/w/away/key"),
    "a secret to where it may be read": lambda guest: _moved(guest, "secret/key", "open/w/key"),
    "a file to where it may be written": lambda guest: _moved(guest, "open/a.txt", "open/w/a.txt"),
    "a folder to where it may be written": lambda guest: _moved(guest, "secret", "open/w/secret"),
    "the folder itself": lambda guest: _moved(guest, "open/w", "open/v"),
    "a link moved away, and written to": lambda guest: (
        _moved(guest, "open/w/out", "open/w/moved"),
        _opened(guest, "open/w/moved"),
        _moved(guest, "open/w/moved", "open/w/out"),
    ),
    "a file removed": lambda guest: guest.path_call("path_unlink_file", 3, "open/a.txt", lookup=None),
    "a secret removed": lambda guest: guest.path_call("path_unlink_file", 3, "secret/key", lookup=None),
    "a secret removed by a linked folder": lambda guest: guest.path_call(
        "path_unlink_file", 3, "open/w/away/key", lookup=None
    ),
    "a folder removed": lambda guest: guest.path_call(
        "path_remove_directory", 3, "secret/inner", lookup=None
    ),
    "a folder made": lambda guest: guest.path_call("path_create_directory", 3, "secret/made", lookup=None),
    "a folder made by a link": lambda guest: guest.path_call(
        "path_create_directory", 3, "open/w/away/made", lookup=None
    ),
    "the times of a secret": lambda guest: guest.path_call(
        "path_filestat_set_times", 3, "secret/key", 0, 0, 15
    ),
    "the times by a link": lambda guest: guest.path_call(
        "path_filestat_set_times", 3, "open/w/out", 0, 0, 15
    ),
    "the times of a folder": lambda guest: guest.path_call("path_filestat_set_times", 3, "open", 0, 0, 15),
    "a second name of a secret": lambda guest: (
        _linked(guest, "secret/key", "open/w/second"),
        _opened(guest, "open/w/second"),
    ),
    "a link of its own": lambda guest: (
        _linked(guest, "../../secret/key", "open/w/second"),
        _opened(guest, "open/w/second"),
    ),
}


def outside(root):
    """Return all that is not the guest's to change: names, kinds, contents and times."""
    state = {}
    for folder, names, files in os.walk(root):
        if folder == f"{root}/open/w":
            names.clear()
            continue
        for name in (*names, *files):
            path = Path(folder, name)
            content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
            is_own = path == root / "open/w"
            state[str(path)] = (path.lstat().st_mode, content, 0 if is_own else path.lstat().st_mtime_ns)
    return state


@pytest.mark.parametrize("trick", WRITES.values(), ids=WRITES)
def test_nothing_is_changed_that_may_not_be_written(root, trick):
    """However the guest names it; and no secret gets a name that it may read."""
    before = outside(root)
    guest = guest_in(root)
    trick(guest)
    assert outside(root) == before
    assert not any(
        path.is_file() and not path.is_symlink() and path.read_bytes() == SECRET
        for path in (root / "open/w").rglob("*")
    )


_EXCHANGE = 2
_HERE = -100
SWAPS, LONG_SWAPS = 3_000, 190_000


def _swap_for_ever(one, other, stop, count):
    """Exchange two names, as fast as the system can; Linux only."""
    library = ctypes.CDLL(None, use_errno=True)
    first, second = os.fsencode(one), os.fsencode(other)
    while not stop.is_set():
        for _ in range(20):
            library.renameat2(_HERE, first, _HERE, second, _EXCHANGE)
        count[0] += 20


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux exchanges two names at once")
@pytest.mark.parametrize("swaps", [SWAPS, pytest.param(LONG_SWAPS, marks=pytest.mark.long)])
def test_a_folder_and_a_link_that_change_places_let_nobody_out(root, swaps):
    """Whoever swaps them while the guest walks: it sees what is granted, or an error."""
    (root / "open/w/inner").mkdir()
    (root / "open/w/inner/key").write_text("granted")
    stop, count = threading.Event(), [0]
    swapper = threading.Thread(
        target=_swap_for_ever, args=(root / "open/w/inner", root / "open/w/away", stop, count), daemon=True
    )
    guest = guest_in(root)
    swapper.start()
    seen = set()
    try:
        while count[0] < swaps:
            number = guest.open("open/w/inner/key", rights=READ)
            if not isinstance(number, Errno):
                seen.add(guest.read(number))
                guest.call("fd_close", number)
            number = guest.open("open/w/inner/made", how=CREATE, rights=WRITE)
            if not isinstance(number, Errno):
                guest.call("fd_close", number)
                guest.path_call("path_unlink_file", 3, "open/w/inner/made", lookup=None)
    finally:
        stop.set()
        swapper.join()
    assert seen <= {b"granted"}
    assert sorted(os.listdir(root / "secret")) == ["inner", "key"]  # noqa: PTH208 - names, not paths


CALLS, LONG_CALLS = 4_000, 285_000
ARGUMENTS = {
    name: len(inspect.signature(call).parameters) - 1
    for name, call in vars(Preview1).items()
    if not name.startswith("_") and name != "proc_exit"
}
NUMBERS = (0, 1, 2, 3, 4, 5, 127, 128, 4096, 65_535, 65_536, 2**31 - 1, -(2**31), -1, 2**63 - 1, -(2**63))


@pytest.mark.parametrize("calls", [CALLS, pytest.param(LONG_CALLS, marks=pytest.mark.long)])
def test_no_numbers_make_a_call_of_preview_1_do_what_it_may_not(root, calls):
    """Calls at random, with paths of this file: each is answered with a number, and nothing outside changes."""

    class Unhurried(SteppingClock):
        def sleep(self, duration):
            """Wait for nobody."""

    def new_guest():
        guest = guest_in(root)
        guest.system.clock = Unhurried(0)
        guest.system.random = bytes
        return guest

    before = outside(root)
    guest = new_guest()
    chance = random.Random(14)
    texts = [path.replace("{root}", str(root)).replace("{up}", "../").encode()[:300] for path in PATHS]
    texts += [name.encode() for name in LINKS]
    for number in range(calls):
        if number % 500 == 0:
            guest.system.descriptors.close_all()
            guest = new_guest()
        text = chance.choice(texts)
        guest.memory.write(PATH, text)
        guest.memory.write(
            VECTOR, struct.pack("<4I", BUFFER, *(chance.choice((0, 9, 4096, SIZE)) for _ in "123"))
        )
        name = chance.choice(sorted(ARGUMENTS))
        arguments = [
            chance.choice((3, 3, 4, 5, PATH, len(text), VECTOR, 1, RESULT, READ | WRITE, *NUMBERS))
            for _ in range(ARGUMENTS[name])
        ]
        if name.startswith("path_") and len(arguments) > 3 and chance.random() < 0.8:
            arguments[:4] = [3, chance.choice((0, 1)), PATH, len(text)]
        assert guest.functions[name](*arguments) in set(Errno)
        assert guest.system.failure is None
    assert outside(root) == before
