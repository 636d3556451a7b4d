"""What a built plugin has in place of modules: why there are no more, and the 8-bit encodings as one table.

A build runs this file in a guest of its own for the table, so that nothing of seventy modules is left in the
plugin's memory. It imports the standard library alone.
"""

from __future__ import annotations

import codecs
import encodings
import importlib
import json
import os
import re
import sys
import zlib
from encodings import aliases
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import ModuleType

    from typing_extensions import Buffer


class SealedFinder:
    """Says, in a built plugin, why nothing more can be imported."""

    def __init__(self, unsupported_reason: Callable[[str], str | None]) -> None:
        """Take what knows of modules that fail at the top as well."""
        self._unsupported_reason = unsupported_reason

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> None:
        """Raise for every module that is not in memory."""
        if fullname in sys.builtin_module_names:
            return
        reason = self._unsupported_reason(fullname) or "must be imported at the top of the plugin's module"
        raise ModuleNotFoundError(
            f"No module named {fullname!r}: a built plugin has only what was imported during its build; "
            f"{fullname} {reason}",
            name=fullname,
        )


class KeptDistributions:
    """Finds, for `importlib.metadata`, installed distributions in a build, and later those it has found."""

    _KEPT = ("METADATA", "entry_points.txt", "top_level.txt")

    def __init__(self, root: str, suffix: str) -> None:
        """Look below one folder, for a folder of the distribution's name and this suffix."""
        self._root = root
        self._suffix = suffix
        self._texts: dict[str, dict[str, str]] = {}
        self.sealed = False

    def find_spec(
        self, _fullname: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> None:
        """Find no module."""

    def keep(self, names: Sequence[str]) -> None:
        """Keep the metadata of distributions or packages of these names."""
        for name in names:
            self._read(_normalized(name))

    def find_distributions(self, context: Any) -> Iterator[Any]:
        """Yield the distribution of the context's name, or all that are kept."""
        if context.name is not None and not self.sealed:
            self._read(_normalized(context.name))
        wanted = sorted(self._texts) if context.name is None else [_normalized(context.name)]
        return (_distribution(self._texts[name]) for name in wanted if name in self._texts)

    def _read(self, name: str) -> None:
        found: dict[str, str] = {}
        for file in self._KEPT:
            try:
                with open(f"{self._root}/{name}{self._suffix}/{file}", encoding="utf-8") as stream:  # noqa: PTH123 - as above
                    found[file] = stream.read()
            except OSError:
                continue
        headers = found.get("METADATA", "").partition("\n\n")[0]  # the text after them is for an index's page
        if headers:
            [own] = [line for line in headers.splitlines() if line.startswith("Name:")]
            self._texts[_normalized(own.removeprefix("Name:").strip())] = {**found, "METADATA": headers}


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "_", name).lower()


def _distribution(texts: dict[str, str]) -> Any:
    from importlib.metadata import Distribution  # who calls this has imported it

    class KeptDistribution(Distribution):
        def read_text(self, filename: str) -> str | None:
            return texts.get(filename)

        def locate_file(self, path: Any) -> Any:
            raise FileNotFoundError(f"{path} is not in a built plugin")

    return KeptDistribution()


_SIZE = 256


class _Kept:
    pages = b""


def collect_code_pages() -> bytes:
    """Return, compressed, the characters of each 8-bit encoding that is not imported yet."""
    found: dict[str, tuple[str, str]] = {}
    for file in sorted(os.listdir(encodings.__path__[0])):  # noqa: PTH208 - pathlib need not be here
        name = file.partition(".")[0]
        if f"encodings.{name}" in sys.modules:
            continue
        try:
            module = importlib.import_module(f"encodings.{name}")
        except ImportError:  # of Windows, or one whose tables the runtime has not
            continue
        characters = getattr(module, "decoding_table", None)
        if isinstance(characters, str) and len(characters) == _SIZE:
            found[name] = module.getregentry().name, characters
    return zlib.compress(json.dumps(found).encode(), 9)


def keep_code_pages(pages: bytes) -> None:
    """Have `codecs.lookup` find what was collected, after all that is found elsewhere."""
    _Kept.pages = pages
    codecs.register(find_code_page)


def find_code_page(encoding: str) -> codecs.CodecInfo | None:
    """Return the codec of an 8-bit encoding, for `codecs.lookup`; None for one that nobody knows.

    Raises:
        LookupError: it is one of Python's that a built plugin has not.
    """
    normal = encodings.normalize_encoding(encoding).lower()
    name = aliases.aliases.get(normal) or aliases.aliases.get(normal.replace(".", "_")) or normal
    page = json.loads(zlib.decompress(_Kept.pages)).get(name)
    if page is not None:
        return codec_of(*page)
    if name in aliases.aliases.values():
        raise LookupError(
            f"unknown encoding: {encoding}: a built plugin has UTF-8, UTF-16, those of 8 bits, and what "
            f"was imported at the top of its module: import encodings.{name}"
        )
    return None


# ruff: noqa: A002, ARG002 - the methods take what codecs' own do, under the same names


def codec_of(name: str, characters: str) -> codecs.CodecInfo:
    """Return a codec for a table of characters."""
    numbers = codecs.charmap_build(characters)
    mapping = cast("dict[int, int]", characters)  # it may be a string too, which its stub leaves out

    class Codec(codecs.Codec):
        def encode(self, input: str, errors: str = "strict") -> tuple[bytes, int]:
            return codecs.charmap_encode(input, errors, numbers)

        def decode(self, input: Buffer, errors: str = "strict") -> tuple[str, int]:
            return codecs.charmap_decode(input, errors, mapping)

    class IncrementalEncoder(codecs.IncrementalEncoder):
        def encode(self, input: str, final: bool = False) -> bytes:
            return codecs.charmap_encode(input, self.errors, numbers)[0]

    class IncrementalDecoder(codecs.IncrementalDecoder):
        def decode(self, input: Buffer, final: bool = False) -> str:
            return codecs.charmap_decode(input, self.errors, mapping)[0]

    class StreamWriter(Codec, codecs.StreamWriter):
        pass

    class StreamReader(Codec, codecs.StreamReader):
        pass

    return codecs.CodecInfo(
        Codec().encode,
        Codec().decode,
        streamreader=StreamReader,
        streamwriter=StreamWriter,
        incrementalencoder=IncrementalEncoder,
        incrementaldecoder=IncrementalDecoder,
        name=name,
    )
