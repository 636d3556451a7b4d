"""Everything that touches the outside; here is what a build and its guest agree on.

That is where the guest sees its files, how it reports, and which modules no plugin can use though Python
authors reach for them, with what replaces them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

STANDARD_LIBRARY_ROOT = "/python"
SDK_ROOT = "/sdk"
PLUGIN_ROOT = "/plugin"
PACKAGES_ROOT = "/packages"

NATIVE_SUFFIX = ".native"
"""The build shows a file `name.native` where there is a native extension module of that name."""

METADATA_SUFFIX = ".dist-info"
"""The build shows the metadata of an installed distribution as a folder of its normalized name, without the
version, and under the name of each package that it brings."""

REPORT_MARK = "\0reglet-build "
"""What the guest writes before a report."""

_HTTP = "ctx.client(HTTPClient)"
_TCP = "ctx.client(TCPDialer)"
_COMMANDS = "ctx.client(CommandRunner)"
_ONE_THREAD = "a plain loop; a plugin has one thread"
_PARSED_FILE = "json or csv, or a pure-Python package"

REPLACEMENTS: Mapping[str, str] = MappingProxyType(
    {
        "aiohttp": _HTTP,
        "asyncio": f"{_HTTP} and the other ports, which wait for their answer; {_ONE_THREAD}",
        "concurrent.futures": _ONE_THREAD,
        "cryptography": "hashlib and hmac, or a pure-Python package",
        "ctypes": "pure Python; a plugin can load no native library",
        "dns": "ctx.client(DNSResolver)",
        "ftplib": _TCP,
        "http.client": _HTTP,
        "httpx": _HTTP,
        "imaplib": _TCP,
        "lxml": "xml.etree.ElementTree",
        "multiprocessing": _ONE_THREAD,
        "numpy": "math and statistics",
        "pandas": "csv and statistics",
        "paramiko": f"{_COMMANDS} to run ssh",
        "poplib": _TCP,
        "psutil": f"files below /proc, read with open, or {_COMMANDS}",
        "pydantic": "@reglet.model",
        "pydantic_core": "@reglet.model",
        "requests": _HTTP,
        "smtplib": "ctx.client(SMTPClient)",
        "socket": f"{_TCP}, or ctx.client(DNSResolver) for names",
        "sqlite3": _PARSED_FILE,
        "ssl": f"{_HTTP} for pages, {_TCP} and its dial_secure for a handshake and its certificate",
        "subprocess": _COMMANDS,
        "threading": _ONE_THREAD,
        "urllib.request": _HTTP,
        "urllib3": _HTTP,
    }
)
"""By the module's name; a submodule has its parent's, if none of its own."""

ABSENT = frozenset(
    {
        "bz2", "cProfile", "cmath", "compression.bz2", "compression.lzma", "compression.zstd", "ctypes",
        "curses", "dbm.gnu", "dbm.ndbm", "dbm.sqlite3", "ensurepip", "faulthandler", "fcntl", "grp",
        "idlelib", "lzma", "mmap", "msvcrt", "nt", "pty", "pwd", "pydoc_data", "readline", "resource",
        "sqlite3", "ssl", "symtable", "syslog", "termios", "tkinter", "tracemalloc", "tty", "turtle",
        "turtledemo", "winreg", "winsound",
    }
)  # fmt: skip
"""Public modules of the standard library that a plugin's Python lacks, with all their submodules."""


def unsupported_reason(module: str) -> str | None:
    """Return why a module cannot be used and what to do, to follow its name in a message; None if it can."""
    while module:
        if module in REPLACEMENTS:
            return f"does not work in a plugin: use {REPLACEMENTS[module]}"
        if module in ABSENT:
            return "is not in a plugin's Python: do without it"
        module = module.rpartition(".")[0]
    return None
