"""Modules in every plugin's memory: those that code needs without naming them.

A plugin's own imports need no place here: whatever its modules import at their top is in memory when it is
built. These the standard library imports inside its functions, when nothing can be imported any more.
"""

from __future__ import annotations

import importlib

NEEDED_BY_NAME = {
    "_strptime": "datetime.strptime and time.strptime",
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
    "encodings.ascii": "codecs by name",
    "encodings.base64_codec": "codecs by name",
    "encodings.cp1252": "codecs by name",
    "encodings.hex_codec": "codecs by name",
    "encodings.idna": "host names",
    "encodings.iso8859_15": "codecs by name",
    "encodings.latin_1": "codecs by name",
    "encodings.punycode": "encodings.idna",
    "encodings.raw_unicode_escape": "codecs by name",
    "encodings.unicode_escape": "codecs by name",
    "encodings.utf_16": "codecs by name",
    "encodings.utf_16_be": "codecs by name",
    "encodings.utf_16_le": "codecs by name",
    "encodings.utf_32": "codecs by name",
    "encodings.utf_8": "codecs by name",
    "encodings.utf_8_sig": "codecs by name",
    "stringprep": "encodings.idna",
}
"""Modules, and what imports them out of sight."""


def preload() -> None:
    """Import them all."""
    for name in NEEDED_BY_NAME:
        importlib.import_module(name)
