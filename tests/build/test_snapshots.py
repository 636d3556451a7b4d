"""What of the SDK goes into a guest."""

from reglet.infrastructure.build.plugin_guest import sdk_contents, sdk_directory
from reglet.infrastructure.wasi.memory import WasiError
from reglet.infrastructure.wasi.tree import OpenFlags, ReadOnlyTree


def _has(path: str) -> bool:
    try:
        ReadOnlyTree(sdk_directory(lambda *_: None)).open(path, OpenFlags())
    except WasiError:
        return False
    return True


def test_the_guest_sees_its_own_side_of_the_sdk() -> None:
    """The rooms of the outside, the tests' tools and the command line are not there."""
    inside = [
        "reglet/__init__.py",
        "reglet/application/plugin.py",
        "reglet/infrastructure/guest/boot.py",
        "attrs/__init__.py",
    ]
    outside = [
        "reglet/testing",
        "reglet/cli",
        "reglet/infrastructure/build",
        "reglet/infrastructure/host",
        "wasmtime",
    ]

    assert [_has(path) for path in inside] == [True] * len(inside)
    assert [_has(path) for path in outside] == [False] * len(outside)


def test_only_what_the_guest_sees_is_in_the_key() -> None:
    """An edit of the command line makes no new image; one of the guest's side does."""
    names = list(sdk_contents())[::2]

    assert b"reglet/infrastructure/guest/boot.py" in names
    assert b"typing_extensions.py" in names
    assert not [name for name in names if name.startswith((b"reglet/cli/", b"reglet/infrastructure/build/"))]
