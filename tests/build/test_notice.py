"""NOTICE and the licences beside the runtime are those of what a plugin carries."""

import json
import re
import zipfile
from importlib.metadata import files
from pathlib import Path

import pytest

from reglet.infrastructure.build.plugin_guest import sdk_contents
from reglet.infrastructure.runtime import load_product
from tools.runtime.sources import COMPONENTIZE_PY, CPYTHON, LIBRARIES

NOTICE = (Path(__file__).parents[2] / "NOTICE").read_text(encoding="utf-8")
PRODUCT = load_product()
LICENCES = PRODUCT.stdlib.parents[1] / "licenses"
WORKS = {
    "libc.so": "wasi-libc",
    "libwasi-emulated-getpid.so": "wasi-libc",
    "libwasi-emulated-process-clocks.so": "wasi-libc",
    "libwasi-emulated-signal.so": "wasi-libc",
    "libpython3.14.so": "CPython",
}
INCORPORATED = {
    "pyexpat": "expat",
    "zlib": "zlib",
    "_decimal": "libmpdec",
    "_random": "Mersenne Twister",
    "unicodedata": "Unicode Character Database",
    **dict.fromkeys(("_blake2", "_hmac", "_md5", "_sha1", "_sha2", "_sha3"), "HACL*"),
    "http/cookies": "http.cookies",
    "xmlrpc/client": "xmlrpc",
    "trace": "trace",
}
"""What CPython took from elsewhere, as its own list of licences has it, by the module that it is in."""
LEFT_OUT = {"_bz2", "_lzma", "_zstd", "_sqlite3", "_ssl", "_hashlib", "_ctypes", "_uuid", "readline"}
"""Modules that would bring other works still."""


def incorporated() -> str:
    return (LICENCES / "CPython-incorporated.txt").read_text(encoding="utf-8")


def test_every_licence_is_named_and_every_name_has_its_licence() -> None:
    """A file that NOTICE does not name helps nobody, and neither does a name without its file."""
    assert set(re.findall(r"[\w.-]+\.txt", NOTICE)) == {each.name for each in LICENCES.iterdir()}


def test_every_library_of_the_runtime_is_of_a_work_that_is_named() -> None:
    """And the versions are those of the pinned parts."""
    assert {each.name for each in LIBRARIES} == set(WORKS)
    assert all(work in NOTICE for work in WORKS.values())
    assert re.search(rf"CPython {re.escape(CPYTHON)}\b", NOTICE)
    assert f"componentize-py {COMPONENTIZE_PY}" in NOTICE


def test_what_cpython_took_from_elsewhere_is_named() -> None:
    """Each module that the runtime has, built in or in its standard library, with its terms."""
    builtin = json.loads((PRODUCT.stdlib.parent / "runtime.json").read_text(encoding="utf-8"))[
        "builtin_modules"
    ]
    with zipfile.ZipFile(PRODUCT.stdlib) as archive:
        modules = {name.removeprefix("python/").removesuffix(".pyc") for name in archive.namelist()} | set(
            builtin
        )
    for module, work in INCORPORATED.items():
        assert module in modules, module
        assert work in " ".join(NOTICE.split()), work
        assert work in incorporated(), work
    for work in ("mimalloc", "SipHash", "dtoa"):  # in the interpreter itself
        assert work in NOTICE
        assert work in incorporated()
    assert not LEFT_OUT & modules


@pytest.mark.parametrize("package", ["attrs", "cattrs", "typing_extensions"])
def test_the_packages_in_a_plugin_have_the_terms_that_they_are_installed_with(package: str) -> None:
    """To the letter."""
    (licence,) = (each for each in files(package) or () if each.name == "LICENSE")
    assert (LICENCES / f"{package}.txt").read_text(encoding="utf-8") == licence.read_text(encoding="utf-8")
    assert re.search(rf"^  {package} +\S", NOTICE, re.MULTILINE)


def test_no_other_package_is_in_a_plugin() -> None:
    """What the guest sees of the SDK is its own side and these three."""
    names = {name.decode().partition("/")[0].removesuffix(".py") for name in list(sdk_contents())[::2]}
    assert names == {"reglet", "attr", "attrs", "cattrs", "typing_extensions"}
