"""Whatever a guest asks for, it gets what the policy grants at the path that the system itself resolves."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reglet.domain.entities.grants import FileSystemCapability, FileSystemRule, GrantSet
from reglet.domain.policy import Policy
from reglet.infrastructure.wasi.granted import GrantedPaths, GrantedTree
from reglet.infrastructure.wasi.memory import WasiError
from reglet.infrastructure.wasi.tree import OpenFlags

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="files are granted on POSIX alone")

NAMES = ("a", "b", "c", "link", "loop", "up")
LINKS = {
    "a/link": "../b",
    "b/link": "a/../../c/b",
    "c/loop": "loop",
    "b/up": "..",
    "link": "a/b/c",
    "c/up": "/",
}


@pytest.fixture(scope="module")
def root():
    """A small forest: three levels of folders, files at the bottom, links between them."""
    with tempfile.TemporaryDirectory() as folder:
        top = Path(os.path.realpath(folder))
        for one in "abc":
            for two in "abc":
                (top / one / two).mkdir(parents=True)
                for three in "abc":
                    (top / one / two / three).write_text(f"{one}/{two}/{three}")
        for name, target in LINKS.items():
            (top / name).symlink_to(target)
        yield top


paths = st.lists(st.sampled_from((*NAMES, "..", ".", "")), min_size=1, max_size=7).map("/".join)
patterns = st.lists(
    st.lists(st.sampled_from(("a", "b", "c", "*", "**", "{a,b}", "[bc]")), min_size=1, max_size=4).map(
        "/".join
    ),
    max_size=3,
)


def _read(tree, path):
    with contextlib.suppress(WasiError, OSError):
        file = tree.open(path, OpenFlags())
        try:
            return file.read(0, 100).decode()
        finally:
            file.close()
    return None


@settings(deadline=None, max_examples=300)
@given(path=paths, granted=patterns)
def test_only_what_is_granted_where_a_path_leads_is_read(root, path, granted):
    """No path, however it winds, reads a file that the policy does not grant; one without links reads all it does."""
    policy = Policy(GrantSet(fs=FileSystemCapability([FileSystemRule(read=granted)])), cwd=str(root))
    tree = GrantedTree(GrantedPaths.of(policy, str(root)))
    real = os.path.realpath(f"{root}/{path}")
    seen = _read(tree, f"{root}/{path}")
    if seen is not None:
        assert policy.read(real)
        assert seen == Path(real).read_text()
    winds = {"..", "link", "loop", "up"} & set(path.split("/"))
    is_of_directory = path.endswith(("/", "/."))  # which no file has
    if not winds and not is_of_directory and policy.read(real) and Path(real).is_file():
        assert seen is not None


@settings(deadline=None, max_examples=200)
@given(path=paths, granted=patterns)
def test_a_directory_shows_what_is_granted_below_it_and_no_more(root, path, granted):
    """Each name that it shows is granted, or is a directory that leads to something that may be.

    Where the directory is granted itself, that goes for all of its names.
    """
    policy = Policy(GrantSet(fs=FileSystemCapability([FileSystemRule(read=granted)])), cwd=str(root))
    known = GrantedPaths.of(policy, str(root))
    tree = GrantedTree(known)
    with contextlib.suppress(WasiError, OSError):
        directory = tree.open(f"{root}/{path}", OpenFlags(directory=True))
        shown = [entry.name for entry in directory.entries()]
        directory.close()
        real = os.path.realpath(f"{root}/{path}")
        for name in os.listdir(real):  # noqa: PTH208 - names, not paths
            child = f"{real.rstrip('/')}/{name}"
            leads = os.path.isdir(child) and not os.path.islink(child) and known.leads_on(child)  # noqa: PTH112, PTH114
            assert (name in shown) == (bool(policy.read(child)) or leads or bool(policy.read(real)))
