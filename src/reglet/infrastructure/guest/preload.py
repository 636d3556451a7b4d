"""Modules in every plugin's memory: those that code needs without naming them.

A plugin's own imports need no place here: whatever its modules import at their top is in memory when it is
built. These the standard library imports inside its functions, when nothing can be imported any more.
"""

from __future__ import annotations

import gc
import importlib
from types import CodeType, FunctionType

NEEDED_BY_NAME = {
    "ast": "traceback, to mark the failing part of a line",
    "unicodedata": "urllib.parse and encodings.idna",
    "linecache": "traceback",
    "tokenize": "linecache",
    "_colorize": "traceback",
    "textwrap": "traceback",
    "contextlib": "traceback",
    "copyreg": "copy of objects with slots",
    "random": "the seed that is renewed at the first call",
    "logging": "the clock that is renewed at the first call",
    "cattrs": "the models, when the first is structured",
    "encodings.ascii": "codecs by name",
    "encodings.cp1252": "codecs by name",
    "encodings.hex_codec": "codecs by name",
    "encodings.idna": "host names",
    "encodings.latin_1": "codecs by name",
    "encodings.punycode": "encodings.idna",
    "encodings.unicode_escape": "codecs by name",
    "encodings.utf_16": "codecs by name",
    "encodings.utf_16_be": "codecs by name",
    "encodings.utf_16_le": "codecs by name",
    "encodings.utf_8": "codecs by name",
    "encodings.utf_8_sig": "codecs by name",
    "stringprep": "encodings.idna",
}
"""Modules, and what imports them out of sight."""


NEEDED_WITH_ATTRIBUTE = {"strptime": "_strptime"}
"""Attributes, and the module that their function imports: 0.3 MB, so only where it is used."""


def preload() -> None:
    """Import what every plugin needs."""
    for name in NEEDED_BY_NAME:
        importlib.import_module(name)


def preload_for(folders: tuple[str, ...]) -> None:
    """Import what the code of modules below some folders needs, by the attributes that it names."""
    named: set[str] = set()
    for function in gc.get_objects():
        if isinstance(function, FunctionType) and function.__code__.co_filename.startswith(folders):
            named |= _names(function.__code__)
    for attribute, module in NEEDED_WITH_ATTRIBUTE.items():
        if attribute in named:
            importlib.import_module(module)


def _names(code: CodeType) -> set[str]:
    inner = (each for each in code.co_consts if isinstance(each, CodeType))
    return set(code.co_names).union(*map(_names, inner))
