"""Modules that Python authors reach for and no plugin can use, with what takes their place."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reglet.infrastructure.build.bytecode import Source

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

_MISSING = re.compile(r"No module named '(?P<name>[^']+)'(?P<why>:?)")
_NATIVE = re.compile(r"No module named '(?P<name>[^']+)': it is a native")


def replacement(module: str) -> str | None:
    """Return what takes a module's place, None if there is nothing to say."""
    while module:
        if module in REPLACEMENTS:
            return REPLACEMENTS[module]
        module = module.rpartition(".")[0]
    return None


def advice(error: str, traceback: str = "") -> str:
    """Return what to do about an import that failed, to stand behind its one line; empty for other errors.

    Packages wrap the failure of their native part in words of their own; the traceback still has it.
    """
    found = _MISSING.search(error) or _NATIVE.search(traceback)
    if found is None:
        return ""
    module = found["name"].removeprefix("_")  # ssl fails for want of _ssl
    instead = replacement(module)
    if instead is not None:
        return f"; {module.partition('.')[0]} does not work in a plugin: use {instead}"
    if not found.groupdict().get("why"):
        return _INSTALL.format(module=module)
    return ""


_INSTALL = (
    "; a plugin has most of the standard library and the packages of the Python that builds it: correct the "
    "name, or install {module} there, or name another interpreter with --python"
)


def unusable_imports(source: Source) -> Iterator[tuple[int, str, str]]:
    """Give line, module and replacement of each import at a file's top that works and then is of no use."""
    try:
        tree = ast.parse(source.path.read_bytes())
    except SyntaxError:  # written for the plugin's Python, which is later than this one
        return
    for node in tree.body:
        for line, module in _imported(node):
            instead = replacement(module)
            if instead is not None:
                yield line, module, instead


def _imported(node: ast.AST) -> list[tuple[int, str]]:
    if isinstance(node, ast.Import):
        return [(node.lineno, each.name) for each in node.names]
    if isinstance(node, ast.ImportFrom) and not node.level and node.module:
        return [(node.lineno, node.module)]
    return []
