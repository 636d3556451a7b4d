"""The granted tree: what was granted is there, nothing else is, and no way leads out."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import time
from pathlib import Path

import pytest

from reglet.domain.entities.grants import FileSystemCapability, FileSystemRule, GrantSet
from reglet.domain.errors import UnsupportedOptionError
from reglet.domain.policy import Policy
from reglet.infrastructure.wasi.granted import GrantedPaths, GrantedTree, granted_preopens
from reglet.infrastructure.wasi.memory import Errno, FileType, WasiError
from reglet.infrastructure.wasi.system import SteppingClock
from reglet.infrastructure.wasi.tree import OpenFlags, Times
from tests.wasi.guest import BUFFER, PATH, READ, RESULT, VECTOR, WRITE, Guest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="files are granted on POSIX alone")

CREATE = OpenFlags(read=False, write=True, create=True)


@pytest.fixture
def root(tmp_path):
    """A folder with files to grant and files to hide."""
    root = Path(os.path.realpath(tmp_path))
    for name in ("open/a.txt", "open/b.conf", "open/deep/c.txt", "secret/key", "secret/deep/key"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"this is {name}")
    return root


def granted(root, *, read=(), write=()):
    """Return the tree of grants whose patterns start in the root."""
    rule = FileSystemRule([f"{root}/{each}" for each in read], [f"{root}/{each}" for each in write])
    policy = Policy(GrantSet(fs=FileSystemCapability([rule])), cwd=str(root))
    return GrantedTree(GrantedPaths.of(policy, str(root)))


def content(tree, path):
    """Return what a file holds."""
    file = tree.open(str(path), OpenFlags())
    try:
        return file.read(0, 1000).decode()
    finally:
        file.close()


def names(tree, path):
    """Return the names in a directory."""
    directory = tree.open(str(path), OpenFlags(directory=True))
    try:
        return [entry.name for entry in directory.entries()]
    finally:
        directory.close()


def refusal(call, *arguments, **options):
    """Return the error number that a call ends in."""
    with pytest.raises((WasiError, OSError)) as caught:
        call(*arguments, **options)
    return caught.value.number if isinstance(caught.value, WasiError) else caught.value.errno


def test_a_granted_file_can_be_read(root):
    """By its own path, from the root."""
    assert content(granted(root, read=["open/a.txt"]), root / "open/a.txt") == "this is open/a.txt"


def test_a_grant_of_one_file_does_not_show_its_directory(root):
    """The directories on the way there are not listed: a list of what was granted would look whole."""
    tree = granted(root, read=["open/a.txt"])
    assert refusal(names, tree, root / "open") == Errno.NOTCAPABLE
    assert refusal(names, tree, root) == Errno.NOTCAPABLE
    assert refusal(names, tree, "/") == Errno.NOTCAPABLE
    assert names(tree, "") == [root.parts[1]]


def test_a_directory_that_is_granted_itself_lists_all_its_names(root):
    """What is in the files takes grants of its own."""
    tree = granted(root, read=["open"])
    assert names(tree, root / "open") == ["a.txt", "b.conf", "deep"]
    assert refusal(tree.status, str(root / "open/a.txt"), follow=True) == Errno.NOTCAPABLE


@pytest.mark.parametrize(
    "hidden", ["open/b.conf", "open/missing", "secret/key", "secret", "missing/x", "secret/missing"]
)
def test_what_is_not_granted_is_refused_whether_it_exists_or_not(root, hidden):
    """So that its absence is never believed, and its presence never told."""
    tree = granted(root, read=["open/a.txt"])
    assert refusal(tree.open, str(root / hidden), OpenFlags()) == Errno.NOTCAPABLE
    assert refusal(tree.status, str(root / hidden), follow=True) == Errno.NOTCAPABLE
    assert refusal(tree.status, str(root / hidden), follow=False) == Errno.NOTCAPABLE


def test_a_granted_file_that_is_not_there_is_absent(root):
    """That is an answer, not a refusal."""
    tree = granted(root, read=["open/gone.txt"])
    assert refusal(tree.status, str(root / "open/gone.txt"), follow=True) == Errno.NOENT


def test_globs_grant_what_they_match(root):
    """`*` stays in its directory, `**` goes below."""
    assert names(granted(root, read=["open/*.conf"]), root / "open") == ["b.conf"]
    assert names(granted(root, read=["open/**"]), root / "open") == ["a.txt", "b.conf", "deep"]
    assert names(granted(root, read=["{open/deep,secret}/*"]), root / "secret") == ["deep", "key"]
    assert refusal(names, granted(root, read=["{open/deep,secret}/*"]), root) == Errno.NOTCAPABLE
    assert names(granted(root, read=["*/deep/*"]), root) == ["open", "secret"]
    assert names(granted(root, read=["*/deep/*"]), root / "open/deep") == ["c.txt"]


def test_a_directory_that_only_leads_on_tells_nothing_of_itself(root):
    """No times and no size."""
    status = granted(root, read=["open/a.txt"]).status(str(root / "open"), follow=True)
    assert (status.type, status.size, status.modified, status.accessed) == (FileType.DIRECTORY, 0, 0, 0)


def test_what_is_granted_tells_what_preview_1_can_say(root):
    """Size and times are the file's own."""
    status = granted(root, read=["open/a.txt"]).status(str(root / "open/a.txt"), follow=True)
    found = (root / "open/a.txt").stat()
    assert (status.type, status.size, status.modified) == (
        FileType.REGULAR_FILE,
        found.st_size,
        found.st_mtime_ns,
    )


def test_dots_are_resolved_before_the_policy_sees_a_path(root):
    """A way through a granted directory does not lead out of it."""
    tree = granted(root, read=["open/**"])
    assert content(tree, f"{root}/open/deep/../a.txt") == "this is open/a.txt"
    assert refusal(content, tree, f"{root}/open/../secret/key") == Errno.NOTCAPABLE


def test_a_way_through_what_is_hidden_is_refused(root):
    """`secret/..` would tell whether `secret` exists."""
    tree = granted(root, read=["open/**"])
    for name in ("secret", "missing"):
        assert refusal(content, tree, f"{root}/{name}/../open/a.txt") == Errno.NOTCAPABLE


@pytest.mark.parametrize(
    "target", ["../secret/key", "{root}/secret/key", "deep/../../secret/key", "/etc/passwd"]
)
def test_a_link_does_not_lead_out(root, target):
    """The policy sees where it leads, not what it is called."""
    (root / "open/link").symlink_to(target.format(root=root))
    tree = granted(root, read=["open/**"])
    assert refusal(content, tree, root / "open/link") == Errno.NOTCAPABLE
    assert refusal(tree.status, str(root / "open/link"), follow=True) == Errno.NOTCAPABLE


def test_a_linked_directory_does_not_lead_out(root):
    """Nor what lies below it."""
    (root / "open/link").symlink_to(root / "secret")
    tree = granted(root, read=["open/**"])
    assert refusal(content, tree, root / "open/link/key") == Errno.NOTCAPABLE
    assert refusal(names, tree, root / "open/link") == Errno.NOTCAPABLE


def test_a_link_to_a_granted_file_is_followed(root):
    """Also through a directory that is a link."""
    (root / "open/link").symlink_to("deep/c.txt")
    (root / "alias").symlink_to("open")
    tree = granted(root, read=["open/**"])
    assert content(tree, root / "open/link") == "this is open/deep/c.txt"
    assert content(tree, root / "alias/a.txt") == "this is open/a.txt"


def test_a_granted_link_itself_can_be_looked_at(root):
    """Without following it: its type, and where it points."""
    (root / "open/link").symlink_to("../secret/key")
    tree = granted(root, read=["open/**"])
    assert tree.status(str(root / "open/link"), follow=False).type is FileType.SYMBOLIC_LINK
    assert tree.read_link(str(root / "open/link")) == "../secret/key"


def test_links_in_a_circle_end(root):
    """With the error that says so."""
    (root / "open/one").symlink_to("two")
    (root / "open/two").symlink_to("one")
    assert refusal(content, granted(root, read=["open/**"]), root / "open/one") == Errno.LOOP


def test_a_directory_that_is_swapped_for_a_link_is_not_followed(root):
    """Each name is opened below the directory before it: a swap between look and open is an error."""
    tree = granted(root, read=["open/**"])

    class Swapping(GrantedPaths):
        def is_known(self, path: str) -> bool:
            if path == f"{root}/open/deep" and (root / "open/deep").is_dir():
                (root / "open/deep").rename(root / "open/was")
                (root / "open/deep").symlink_to(root / "secret/deep")
            return super().is_known(path)

    swapped = GrantedTree(Swapping(tree._paths.policy, tree._paths._ways))
    with pytest.raises(OSError):
        swapped.open(f"{root}/open/deep/c.txt", OpenFlags())


def test_what_may_be_read_may_not_be_written(root):
    """It is a read-only file system for the guest."""
    tree = granted(root, read=["open/**"])
    path = str(root / "open/a.txt")
    assert refusal(tree.open, path, OpenFlags(write=True)) == Errno.ROFS
    assert refusal(tree.open, path, OpenFlags(truncate=True)) == Errno.ROFS
    assert refusal(tree.open, str(root / "open/new"), CREATE) == Errno.ROFS
    assert refusal(tree.remove_file, path) == Errno.ROFS
    assert refusal(tree.create_directory, str(root / "open/new")) == Errno.ROFS
    assert refusal(tree.rename, path, str(root / "open/z")) == Errno.ROFS
    assert refusal(tree.set_times, path, Times(0, 0), follow=True) == Errno.ROFS
    assert (root / "open/a.txt").read_text() == "this is open/a.txt"


def test_what_may_be_written_can_be_made_changed_and_removed(root):
    """Files and directories both."""
    tree = granted(root, write=["out/**"])
    (root / "out").mkdir()
    tree.create_directory(str(root / "out/sub"))
    file = tree.open(str(root / "out/sub/f"), CREATE)
    file.write(0, b"hello")
    file.write(None, b" world")
    file.set_size(8)
    file.sync()
    file.close()
    assert (root / "out/sub/f").read_text() == "hello wo"
    tree.set_times(str(root / "out/sub/f"), Times(1_000, 2_000), follow=True)
    assert (root / "out/sub/f").stat().st_mtime_ns == 2_000
    tree.rename(str(root / "out/sub/f"), str(root / "out/g"))
    tree.remove_directory(str(root / "out/sub"))
    assert [path.name for path in (root / "out").iterdir()] == ["g"]
    tree.remove_file(str(root / "out/g"))
    assert list((root / "out").iterdir()) == []


def test_what_may_be_written_may_not_be_read(root):
    """A place to drop things is no place to look into."""
    tree = granted(root, write=["secret/*"])
    assert refusal(content, tree, root / "secret/key") == Errno.NOTCAPABLE


def test_nothing_is_moved_to_where_it_may_be_read(root):
    """A move must not turn the right to write into the right to read."""
    tree = granted(root, read=["open/**"], write=["open/**", "secret/*"])
    assert refusal(tree.rename, str(root / "secret/key"), str(root / "open/key")) == Errno.NOTCAPABLE
    assert (root / "secret/key").exists()


def test_directories_are_not_moved(root):
    """What is in them would get other grants than before."""
    tree = granted(root, read=["open/**"], write=["open/**", "secret"])
    (root / "open/dir").mkdir()
    assert refusal(tree.rename, str(root / "open/dir"), str(root / "open/dir2")) == Errno.NOTCAPABLE


def test_what_is_no_file_is_not_opened(root):
    """A pipe would keep the host waiting."""
    os.mkfifo(root / "open/pipe")
    tree = granted(root, read=["open/**"], write=["open/**"])
    assert refusal(tree.open, str(root / "open/pipe"), OpenFlags()) == Errno.ACCES
    assert refusal(tree.open, str(root / "open/pipe"), OpenFlags(write=True)) == Errno.ACCES


def test_a_link_is_not_opened_itself(root):
    """As with O_NOFOLLOW."""
    (root / "open/link").symlink_to("a.txt")
    tree = granted(root, read=["open/**"])
    assert refusal(tree.open, str(root / "open/link"), OpenFlags(follow=False)) == Errno.LOOP


def test_files_are_no_directories(root):
    """And directories no files."""
    tree = granted(root, read=["open/**"], write=["open/**"])
    assert refusal(tree.open, str(root / "open/a.txt"), OpenFlags(directory=True)) == Errno.NOTDIR
    assert refusal(tree.open, str(root / "open/deep"), OpenFlags(write=True)) == Errno.ISDIR
    assert refusal(tree.open, str(root / "open/deep"), OpenFlags(create=True, exclusive=True)) == Errno.EXIST
    assert refusal(tree.create_directory, str(root / "open/deep")) == Errno.EXIST


def test_relative_patterns_start_in_the_directory_of_the_sandbox(root):
    """`open/*` means what it means in a shell there."""
    policy = Policy(GrantSet(fs=FileSystemCapability([FileSystemRule(read=["open/*"])])), cwd=str(root))
    _, (_, tree) = granted_preopens(policy, str(root))()
    assert content(tree, root / "open/a.txt") == "this is open/a.txt"


def test_the_first_directory_of_a_guest_is_that_of_the_sandbox(root):
    """Guests start there with relative paths; it shows no more than the root does."""
    policy = Policy(GrantSet(fs=FileSystemCapability([FileSystemRule(read=["open/*"])])), cwd=str(root))
    (first, here), (second, _) = granted_preopens(policy, str(root))()
    assert (first, second) == (str(root), "/")
    assert content(here, "open/a.txt") == "this is open/a.txt"
    assert refusal(content, here, "secret/key") == Errno.NOTCAPABLE
    assert refusal(names, here, ".") == Errno.NOTCAPABLE
    ((only, _),) = granted_preopens(policy, str(root / "absent"))()
    assert only == "/"


def test_a_pattern_that_cannot_be_read_grants_nothing(root):
    """The others hold."""
    tree = granted(root, read=["{open", "open/[", "open/a.txt"])
    assert content(tree, root / "open/a.txt") == "this is open/a.txt"
    assert refusal(content, tree, root / "open/b.conf") == Errno.NOTCAPABLE


def test_a_file_that_may_only_be_looked_at_keeps_its_times(root):
    """By its descriptor too; those of directories are the host's."""
    tree = granted(root, read=["open/**"], write=["open/b.conf"])
    looked = tree.open(str(root / "open/a.txt"), OpenFlags())
    changed = tree.open(str(root / "open/b.conf"), OpenFlags(write=True))
    assert refusal(looked.set_times, Times(1, 1)) == Errno.ROFS
    assert refusal(looked.entries) == Errno.NOTDIR
    changed.set_times(Times(None, 1_000))
    assert (root / "open/b.conf").stat().st_mtime_ns == 1_000
    folder = tree.open(str(root / "open"), OpenFlags(directory=True))
    folder.sync()
    for refused, number in (
        (lambda: folder.set_times(Times(1, 1)), Errno.ROFS),
        (lambda: folder.read(0, 1), Errno.ISDIR),
        (lambda: folder.write(0, b"x"), Errno.ISDIR),
        (lambda: folder.set_size(1), Errno.ISDIR),
    ):
        assert refusal(refused) == number
    for each in (looked, changed, folder):
        each.close()


def test_no_grants_no_directory():
    """A guest without granted files has not even a root."""
    assert list(granted_preopens(Policy(GrantSet()), "/")()) == []
    assert list(granted_preopens(Policy(GrantSet()), "/", opens_below=False)()) == []


def test_where_no_name_is_opened_below_a_directory_files_are_not_granted(root):
    """As on Windows: a path could be swapped after it was judged. The error names the system and a way."""
    rules = FileSystemCapability([FileSystemRule(read=["open/*"])])
    with pytest.raises(UnsupportedOptionError, match=f"and this is {sys.platform}: use WSL or a container"):
        granted_preopens(Policy(GrantSet(fs=rules)), str(root), opens_below=False)


def test_nothing_stays_open(root):
    """Each walk closes what it opened."""
    tree = granted(root, read=["open/**"])
    before = len(list(Path("/dev/fd").iterdir()))
    for name in ("open/deep/c.txt", "open/deep", "secret/key", "open/none"):
        with contextlib.suppress(WasiError):
            tree.open(str(root / name), OpenFlags()).close()
    assert len(list(Path("/dev/fd").iterdir())) <= before


def test_a_guest_reads_and_writes_through_preview_1(root):
    """The calls of a compiled guest, over the real files."""
    (root / "out").mkdir()
    tree = granted(root, read=["open/**"], write=["out/*"])
    guest = Guest(tree=tree)
    where = str(root)[1:]
    assert guest.read(guest.open(f"{where}/open/a.txt")) == b"this is open/a.txt"
    assert guest.open(f"{where}/secret/key") is Errno.NOTCAPABLE
    assert guest.open("../etc/passwd") is Errno.NOTCAPABLE
    number = guest.open(f"{where}/out/new", how=1, rights=WRITE)
    assert guest.write(number, b"made") == 4
    guest.system.close()
    assert (root / "out/new").read_bytes() == b"made"
    assert not stat.S_IMODE((root / "out/new").stat().st_mode) & 0o111


def test_an_observer_is_told_each_path_that_is_asked_for(root):
    """Granted or not, before it is answered, and whether it was to be changed."""
    told = []
    rule = FileSystemRule([f"{root}/open/**"], [f"{root}/open/*"])
    policy = Policy(GrantSet(fs=FileSystemCapability([rule])), cwd=str(root))
    (_, here), (_, tree) = granted_preopens(
        policy, str(root), lambda path, changes: told.append((path, changes))
    )()
    here.status("", follow=True)
    assert told == []  # that is the host, which opens the directory that it gives to a guest
    assert content(here, "open/a.txt") == "this is open/a.txt"
    assert told.pop() == (f"{root}/open/a.txt", False)
    place = str(root).lstrip("/")
    assert content(tree, f"{place}/open/a.txt") == "this is open/a.txt"
    refusal(tree.status, f"{place}/open/../secret/key", follow=True)
    refusal(tree.read_link, f"{place}/open/a.txt")
    tree.set_times(f"{place}/open/a.txt", Times(None, 5), follow=True)
    tree.open(f"{place}/open/new", CREATE).close()
    tree.rename(f"{place}/open/new", f"{place}/open/moved")
    tree.remove_file(f"{place}/open/moved")
    tree.create_directory(f"{place}/open/made")
    tree.remove_directory(f"{place}/open/made")
    assert told == [
        (f"{root}/{name}", changes)
        for name, changes in [
            ("open/a.txt", False),
            ("secret/key", None),
            ("open/a.txt", None),
            ("open/a.txt", True),
            ("open/new", True),
            ("open/new", True),
            ("open/moved", True),
            ("open/moved", True),
            ("open/made", True),
            ("open/made", True),
        ]
    ]


def guest_over(root, **system):
    """Return a guest that may read and write below the root, and the path of the root in it."""
    tree = granted(root, read=["**"], write=["**"])
    return Guest(tree=tree, **system), str(root)[1:]


def test_a_file_that_is_older_than_1970_has_a_status(root):
    """Its time is in two's complement, as Go's runtime writes it."""
    os.utime(root / "open/a.txt", (0, -5))
    guest, at = guest_over(root)
    _, _, kind, _, size, _, modified, _ = guest.status(f"{at}/open/a.txt")
    assert (kind, size, modified) == (FileType.REGULAR_FILE, 18, 2**64 - 5_000_000_000)


def test_names_that_are_not_utf_8_are_files_like_others(root):
    """They are listed, found and read by their bytes, and links to them are read."""
    name = os.fsdecode(b"caf\xe9")
    (root / "odd").mkdir()
    (root / "odd" / name).write_text("x")
    (root / "odd/link").symlink_to(name)
    guest, at = guest_over(root)
    number = guest.open(f"{at}/odd", how=2)
    guest.memory.write(BUFFER, bytes(200))
    assert guest.call("fd_readdir", number, BUFFER, 200, 0, RESULT) is Errno.SUCCESS
    assert b"caf\xe9" in guest.memory.read(BUFFER, guest.result())
    path = os.fsencode(f"{at}/odd/{name}")
    guest.memory.write(PATH, path)
    assert guest.call("path_filestat_get", 3, 1, PATH, len(path), RESULT) is Errno.SUCCESS
    assert guest.path_call("path_readlink", 3, f"{at}/odd/link", BUFFER, 200, RESULT, lookup=None) == 0
    assert guest.memory.read(BUFFER, guest.result()) == b"caf\xe9"


@pytest.mark.parametrize("end", ["/", "/.", "//", "/./"])
def test_a_path_that_ends_in_a_slash_is_a_directory(root, end):
    """As on Linux: not a regular file, and not a link to one; a link to a directory is followed."""
    (root / "to-file").symlink_to("open/a.txt")
    (root / "to-folder").symlink_to("open")
    guest, at = guest_over(root)
    for name in ("open/a.txt", "to-file"):
        assert guest.status(f"{at}/{name}{end}") is Errno.NOTDIR
        assert guest.status(f"{at}/{name}{end}", lookup=0) is Errno.NOTDIR
        assert guest.open(f"{at}/{name}{end}") is Errno.NOTDIR
        assert guest.path_call("path_unlink_file", 3, f"{at}/{name}{end}", lookup=None) is Errno.NOTDIR
    assert guest.status(f"{at}/to-folder{end}", lookup=0)[2] is FileType.DIRECTORY.value
    is_dot = "." in end
    assert guest.open(f"{at}/open/new{end}", how=1, rights=WRITE) is (Errno.NOENT if is_dot else Errno.ISDIR)
    assert not (root / "open/new").exists()
    made = guest.path_call("path_create_directory", 3, f"{at}/made{end}", lookup=None)
    assert made is (Errno.NOENT if is_dot else Errno.SUCCESS)


MUST_BE_NEW = 1 | 4
"""`oflags` that make a file which must not be there."""


def test_a_link_whose_target_ends_in_a_slash_leads_to_a_directory_alone(root):
    """As on Linux: `link -> a.txt/` is as wrong as `a.txt/` itself."""
    (root / "slashed").symlink_to("open/a.txt/")
    (root / "folder").symlink_to("open/")
    (root / "absent").symlink_to("open/new/")
    guest, at = guest_over(root)
    assert guest.status(f"{at}/slashed") is Errno.NOTDIR
    assert guest.status(f"{at}/slashed", lookup=0)[2] is FileType.SYMBOLIC_LINK.value
    assert guest.open(f"{at}/slashed") is Errno.NOTDIR
    assert guest.status(f"{at}/folder")[2] is FileType.DIRECTORY.value
    assert guest.status(f"{at}/folder/a.txt")[2] is FileType.REGULAR_FILE.value
    for path in ("slashed", "absent"):
        assert guest.open(f"{at}/{path}", how=1, rights=WRITE) is Errno.ISDIR
    assert not (root / "open/new").exists()


@pytest.mark.parametrize(
    "name", ["open", "open/.", "open/a.txt", "to-nothing", "circle", "pipe", "to-folder"]
)
def test_what_is_there_is_not_made_anew(root, name):
    """Exclusive creation follows no link: whatever has the name is in its way."""
    (root / "to-nothing").symlink_to("open/absent")
    (root / "to-folder").symlink_to("open")
    (root / "circle").symlink_to("circle")
    os.mkfifo(root / "pipe")
    guest, at = guest_over(root)
    assert guest.open(f"{at}/{name}", how=MUST_BE_NEW, rights=WRITE) is Errno.EXIST
    assert guest.path_call("path_create_directory", 3, f"{at}/{name}", lookup=None) is Errno.EXIST
    assert guest.path_call("path_create_directory", 3, f"{at}/{name}/", lookup=None) is Errno.EXIST
    assert not (root / "open/absent").exists()


def test_names_that_are_no_names_are_not_moved_or_removed(root):
    """`.` and `..` and what stands before a slash: the numbers are Linux's."""
    (root / "empty").mkdir()
    (root / "to-empty").symlink_to("empty")
    (root / "to-nothing").symlink_to("absent")
    guest, at = guest_over(root)

    def changed(call, path, *more):
        return guest.path_call(call, 3, f"{at}/{path}", *more, lookup=None)

    assert changed("path_remove_directory", "empty/.") is Errno.INVAL
    assert changed("path_remove_directory", "to-empty/") is Errno.NOTDIR
    assert changed("path_unlink_file", "empty/.") is Errno.ISDIR
    assert changed("path_unlink_file", "empty/") is Errno.ISDIR
    assert changed("path_unlink_file", "to-empty/") is Errno.NOTDIR
    assert changed("path_unlink_file", "absent/") is Errno.NOENT
    assert (
        guest.path_call("path_readlink", 3, f"{at}/to-nothing/", BUFFER, 9, RESULT, lookup=None)
        is Errno.NOENT
    )
    tree = granted(root, read=["**"], write=["**"])
    assert refusal(tree.rename, f"{root}/open/.", str(root / "moved")) == Errno.BUSY
    assert refusal(tree.rename, str(root / "open/a.txt"), f"{root}/open/..") == Errno.BUSY
    assert refusal(tree.rename, f"{root}/open/a.txt/", str(root / "moved")) == Errno.NOTDIR
    assert refusal(tree.rename, str(root / "open/a.txt"), f"{root}/moved/") == Errno.NOTDIR
    assert sorted(each.name for each in root.iterdir()) == [
        "empty",
        "open",
        "secret",
        "to-empty",
        "to-nothing",
    ]


def test_times_are_set_however_a_file_was_opened(root):
    """Of a file that was opened for reading, and of a directory, where they may be written."""
    tree = granted(root, read=["**"], write=["**"])
    for opened in (
        tree.open(str(root / "open/a.txt"), OpenFlags()),
        tree.open(str(root / "open"), OpenFlags()),
    ):
        opened.set_times(Times(None, 7_000))
        opened.close()
    assert (root / "open/a.txt").stat().st_mtime_ns == (root / "open").stat().st_mtime_ns == 7_000


def test_a_file_is_no_directory_to_climb_out_of(root):
    """`f/..` is an error where f is a file, as for the kernel."""
    guest, at = guest_over(root)
    assert guest.status(f"{at}/open/a.txt/../b.conf") is Errno.NOTDIR


def test_what_is_appended_can_be_read(root):
    """After a write at the end the position is there; it can be set back."""
    guest, at = guest_over(root)
    number = guest.open(f"{at}/open/a.txt", rights=READ | WRITE, flags=1)
    assert guest.write(number, b"!") == 1
    assert guest.call("fd_tell", number, RESULT) == 0
    assert guest.long_result() == 19
    assert guest.call("fd_seek", number, 0, 0, RESULT) == 0
    assert guest.read(number) == b"this is open/a.txt!"


@pytest.mark.parametrize(
    ("name", "rest"),
    [
        ("fd_pread", (VECTOR, 1, -1, RESULT)),
        ("fd_pwrite", (VECTOR, 1, -1, RESULT)),
        ("fd_seek", (2**63 - 1, 1, RESULT)),
        ("fd_filestat_set_size", (-1,)),
        ("fd_filestat_set_times", (-(2**63), 2**63 - 1, 5)),
        ("fd_pwrite", (VECTOR, 1, 2**63 - 1, RESULT)),
    ],
)
def test_numbers_that_nothing_can_have_are_errors_of_the_call(root, name, rest):
    """None ends the guest."""
    guest, at = guest_over(root)
    number = guest.open(f"{at}/open/a.txt", rights=READ | WRITE)
    assert guest.call("fd_seek", number, 5, 0, RESULT) == 0
    guest.memory.write(VECTOR, BUFFER.to_bytes(4, "little") + (5).to_bytes(4, "little"))
    guest.call(name, number, *rest)
    assert guest.system.failure is None


def test_a_guest_writes_no_more_than_its_quota(root):
    """Written again counts again; a sparse file counts whole; files and directories cost 4 KiB each."""
    guest, at = guest_over(root, written_bytes=2 * 4096 + 1000)
    number = guest.open(f"{at}/open/new", how=1, rights=WRITE)
    assert guest.write(number, b"x" * 600) == 600
    assert guest.call("fd_filestat_set_size", number, 2**40) is Errno.DQUOT
    assert guest.call("fd_pwrite", number, VECTOR, 1, 2**40, RESULT) is Errno.DQUOT
    assert guest.path_call("path_create_directory", 3, f"{at}/one", lookup=None) == 0
    assert guest.path_call("path_create_directory", 3, f"{at}/two", lookup=None) is Errno.DQUOT
    assert guest.open(f"{at}/open/other", how=1, rights=WRITE) is Errno.DQUOT
    assert guest.write(number, b"x" * 600) is Errno.DQUOT
    assert (root / "open/new").stat().st_size == 600
    guest.system.quota.renew()
    assert guest.write(number, b"x" * 600) == 600


class StoppedClock(SteppingClock):
    """A clock of a guest that must stop after some looks at it."""

    looks = 3

    def is_over(self):
        """Return True from the fourth look on."""
        self.looks -= 1
        return self.looks < 0


def a_long_listing(root):
    """Return a guest with a clock that may stop it, and a directory of 2,000 names that it has opened."""
    (root / "many").mkdir()
    for number in range(2000):
        (root / f"many/{number}").touch()
    clock = StoppedClock(0)
    clock.looks = 100
    guest, at = guest_over(root, clock=clock)
    return guest, guest.open(f"{at}/many", how=2), clock


def test_a_long_listing_stops_when_the_guest_must(root):
    """It looks at the clock every 256 names; no epoch stops our own code."""
    guest, number, clock = a_long_listing(root)
    clock.looks = 3
    assert guest.call("fd_readdir", number, BUFFER, 4096, 0, RESULT) is Errno.TIMEDOUT


def test_to_sort_a_long_listing_stops_when_the_guest_must(root):
    """A million names at once would keep every other thread waiting."""
    guest, number, clock = a_long_listing(root)
    clock.looks = 2000 // 256 + 3  # more than it takes to read them
    assert guest.call("fd_readdir", number, BUFFER, 4096, 0, RESULT) is Errno.TIMEDOUT
    clock.looks = 1000
    assert len(guest.names(number)) == 2000


def test_a_long_way_stops_when_the_guest_must(root):
    """Each directory of a path is judged, which hundreds of them make long."""
    (root / "/".join("abcdefgh")).mkdir(parents=True)
    guest, at = guest_over(root, clock=StoppedClock(0))
    assert guest.open(f"{at}/a/b/c/d/e/f/g/h/none") is Errno.TIMEDOUT


def test_a_way_through_hundreds_of_directories_is_walked_in_proportion(root):
    """Patterns are asked what lies below before they read the whole path again."""
    rules = [f"{root}/**/x{number}" for number in range(30)]
    policy = Policy(GrantSet(fs=FileSystemCapability([FileSystemRule(read=rules)])))
    tree = GrantedTree(GrantedPaths.of(policy, "/"))
    name = "d" * 7
    depth = (4000 - len(str(root))) // 8
    with contextlib.chdir(root):
        for _ in range(depth):
            Path(name).mkdir()
            os.chdir(name)
    started = time.process_time()
    assert tree.status(str(root) + f"/{name}" * depth, follow=True).type is FileType.DIRECTORY
    assert time.process_time() - started < 5


def test_a_long_fill_with_random_bytes_stops_when_the_guest_must(root):
    """It looks at the clock every megabyte."""
    clock = StoppedClock(0)
    clock.looks = 0
    guest, _ = guest_over(root, clock=clock)
    assert guest.call("random_get", BUFFER, 1 << 30) is Errno.TIMEDOUT


SPECIAL = [
    "proc/self/environ",
    "proc/self/mem",
    "sys/kernel",
    "dev/null",
    "dev/shm",
    "run",
    "var/run",
    "proc/1",
]


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs Linux")
@pytest.mark.parametrize("path", SPECIAL)
@pytest.mark.parametrize("way", ["{}", "./{}", "tmp/../{}", "{}/", "{}/.", "LINK/{}", "LINK/tmp/../{}"])
def test_no_wildcard_reaches_what_is_of_special_use(root, path, way):
    """Not by any spelling and through no link: nothing is read, listed, written, made or told of it."""
    (root / "link").symlink_to("/")
    tree = granted_tree_of("/**")
    guest = Guest(tree=tree)
    spelt = way.format(path).replace("LINK", f"{str(root)[1:]}/link")
    refusals = {Errno.NOTCAPABLE}
    assert guest.status(spelt) in refusals
    for how, rights in ((0, READ), (2, READ), (0, WRITE), (1, WRITE), (8, WRITE)):
        assert guest.open(spelt, how=how, rights=rights) in refusals
    for name in ("path_unlink_file", "path_remove_directory", "path_create_directory"):
        assert guest.path_call(name, 3, spelt, lookup=None) in refusals


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs Linux")
@pytest.mark.parametrize(
    "link", ["/proc/self/environ", "/proc/self/root/etc", "/proc/self/fd", "/dev/fd", "/proc/self"]
)
def test_a_link_into_what_is_of_special_use_leads_nowhere(root, link):
    """The path where a link leads is the one that is judged."""
    (root / "trap").symlink_to(link)
    guest = Guest(tree=granted_tree_of("/**"))
    trap = f"{str(root)[1:]}/trap"
    for spelt in (trap, f"{trap}/", f"{trap}/passwd", f"{trap}/../mem"):
        assert guest.status(spelt) is Errno.NOTCAPABLE
        assert guest.open(spelt) is Errno.NOTCAPABLE


def granted_tree_of(pattern):
    """Return the tree of a grant to read and write a pattern."""
    policy = Policy(GrantSet(fs=FileSystemCapability([FileSystemRule([pattern], [pattern])])), cwd="/tmp")
    return GrantedTree(GrantedPaths.of(policy, "/tmp"))


MOUNTS = """\
24 30 0:22 / /proc rw,nosuid shared:5 - proc proc rw
31 30 0:41 / {root}/host\\040proc rw - proc proc rw
32 30 0:42 / {root}/sys rw - sysfs sysfs rw
33 30 8:1 / {root}/disk rw - ext4 /dev/sda1 rw
"""


@pytest.mark.parametrize(("folder", "is_kernels"), [("host proc", True), ("sys", True), ("disk", False)])
def test_no_wildcard_leads_to_where_the_kernel_is_mounted(root, folder, is_kernels):
    """A container may have the host's processes anywhere; their exact path grants them."""
    (root / folder / "1").mkdir(parents=True)
    (root / folder / "1/environ").write_text("TOKEN=x")
    mounts = MOUNTS.format(root=root)
    for pattern in (f"{root}/**", f"{root}/{folder}/*/environ", f"{root}/{folder}/1/environ"):
        policy = Policy(GrantSet(fs=FileSystemCapability([FileSystemRule(read=[pattern])])))
        tree = GrantedTree(GrantedPaths.of(policy, "/", mounts))
        path = f"{root}/{folder}/1/environ"
        if is_kernels and "*" in pattern:
            assert refusal(tree.open, path, OpenFlags()) is Errno.NOTCAPABLE
        else:
            assert content(tree, path) == "TOKEN=x"
