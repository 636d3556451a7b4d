"""What a built plugin has in place of files: why no import finds more, metadata, time zones and encodings.

A build runs this file in a guest of its own for the table of 8-bit encodings, so that nothing of seventy
modules is left in the plugin's memory. It imports the standard library alone.
"""

from __future__ import annotations

import codecs
import encodings
import importlib
import io
import json
import marshal
import os
import re
import sys
import zlib
from contextlib import suppress
from encodings import aliases
from importlib.machinery import ModuleSpec
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from importlib.abc import Loader
    from types import ModuleType

    from typing_extensions import Buffer


class SealedFinder:
    """Says, in a built plugin, why nothing more can be imported."""

    def __init__(self, unsupported_reason: Callable[[str], str | None]) -> None:
        """Take what knows of modules that fail at the top as well."""
        self._unsupported_reason = unsupported_reason

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Raise for every module that is not in memory; one that is only asked for is found nowhere."""
        if fullname in sys.builtin_module_names:
            return None
        if fullname in _Kept.modules:
            return ModuleSpec(fullname, cast("Loader", KeptLoader()))  # it need not be a subclass
        asker = sys._getframe(2).f_globals.get("__name__")  # noqa: SLF001 - who calls has no other name
        if asker == "importlib.util":
            return None
        reason = self._unsupported_reason(fullname) or "must be imported at the top of the plugin's module"
        raise ModuleNotFoundError(
            f"No module named {fullname!r}: a built plugin has only what was imported during its build; "
            f"{fullname} {reason}",
            name=fullname,
        )


_FAILS_AS_A_TARGET_WOULD = {
    "_socket": ("getaddrinfo", "gethostbyaddr", "gethostbyname", "gethostbyname_ex", "getnameinfo"),
    "socket": ("gethostbyaddr", "gethostbyname", "gethostbyname_ex", "getnameinfo", "socket"),
    "subprocess": ("Popen",),
    "asyncio.selector_events": ("BaseSelectorEventLoop",),
}
"""By module, what raises OSError in a guest, as if a name were not found or a program were missing."""


def refuse_unsupported(unsupported_reason: Callable[[str], str | None]) -> None:
    """Have what needs sockets and processes say so by an error that no check takes for its target's."""
    for name, refused in _FAILS_AS_A_TARGET_WOULD.items():
        public = name.removeprefix("_").partition(".")[0]
        message = f"{public} {unsupported_reason(public)}"

        def refuse(*_: object, _message: str = message, **__: object) -> None:
            raise NotImplementedError(_message)

        module = sys.modules.get(name)
        for each in () if module is None else refused:
            if isinstance(vars(module)[each], type):
                vars(module)[each].__init__ = refuse
            else:
                vars(module)[each] = refuse
    socket = sys.modules.get("socket")
    if socket is not None:  # which looks for a longer name, and does without
        vars(socket)["getfqdn"] = lambda name="": name or socket.gethostname()


class KeptLoader:
    """Runs the code of a small module that is kept until it is imported."""

    def create_module(self, _spec: ModuleSpec) -> None:
        """Leave it to the import system."""

    def exec_module(self, module: ModuleType) -> None:
        """Run a module's code."""
        code = marshal.loads(zlib.decompress(_Kept.modules[module.__name__]))  # noqa: S302 - a build's own
        exec(code, vars(module))  # noqa: S102 - the standard library's


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
            self._texts |= self._read(_normalized(name))

    def keep_project(self, name: str, version: str) -> None:
        """Keep that of the plugin's own project, which need not be installed."""
        made = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}"
        self._texts[_normalized(name)] = {"METADATA": made}

    def find_distributions(self, context: Any) -> Iterator[Any]:
        """Yield the distribution of the context's name; or all: in a build those that are installed."""
        if context.name is not None:
            if not self.sealed:
                self.keep([context.name])
            texts = self._texts.get(_normalized(context.name))
            return iter([] if texts is None else [_distribution(texts)])
        found = dict(self._texts)
        for folder in () if self.sealed else os.listdir(self._root):  # noqa: PTH208 - as above
            if folder.endswith(self._suffix):
                found |= self._read(folder.removesuffix(self._suffix))
        return (_distribution(found[name]) for name in sorted(found))

    def _read(self, name: str) -> dict[str, dict[str, str]]:
        """Return, under its distribution's name, what is kept of a folder; nothing if it has no metadata."""
        found: dict[str, str] = {}
        for file in (*self._KEPT, "RECORD"):
            try:
                path = f"{self._root}/{name}{self._suffix}/{file}"
                with open(path, encoding="utf-8", errors="replace") as stream:  # noqa: PTH123 - as above
                    found[file] = stream.read()
            except OSError:
                continue
        files = found.pop("RECORD", "").splitlines()
        tops = {each.partition(",")[0].partition("/")[0].removesuffix(".py") for each in files}
        found.setdefault("top_level.txt", "\n".join(sorted(filter(str.isidentifier, tops))))
        headers = found.get("METADATA", "").partition("\n\n")[0]  # the text after them is for an index's page
        own = next((line for line in headers.splitlines() if line.startswith("Name:")), None)
        if own is None:
            return {}
        return {_normalized(own.removeprefix("Name:").strip()): {**found, "METADATA": headers}}


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


def read_time_zones(folder: str | None) -> dict[str, bytes]:
    """Return, compressed, the time zones of the package `tzdata` in a folder; UTC alone if there is none."""
    if folder is None:
        return {"UTC": zlib.compress(_UTC)}
    with open(f"{folder}/zones", encoding="utf-8") as stream:  # noqa: PTH123 - as above
        names = stream.read().split()
    zones: dict[str, bytes] = {}
    seen: dict[bytes, bytes] = {}  # many zones are another's
    for name in names:
        with open(f"{folder}/zoneinfo/{name}", "rb") as zone:  # noqa: PTH123 - as above
            content = zone.read()
        zones[name] = seen.setdefault(content, zlib.compress(content, 9))
    return zones


_UTC = (b"TZif2" + bytes(31) + b"\0\0\0\1" + b"\0\0\0\4" + bytes(6) + b"UTC\0") * 2 + b"\nUTC0\n"


def mend_time_zones(zones: Mapping[str, bytes]) -> None:
    """Have `zoneinfo` find what a built plugin keeps of time zones, where the host shows it none."""
    common, paths = sys.modules["zoneinfo._common"], sys.modules["zoneinfo._tzpath"]

    def load_tzdata(key: str) -> io.BytesIO:
        if key not in zones:
            raise common.ZoneInfoNotFoundError(
                f"No time zone found with key {key}: a built plugin has those of the package tzdata, if it "
                "is installed where the plugin is built, and UTC"
            )
        return io.BytesIO(zlib.decompress(zones[key]))

    def available_timezones() -> set[str]:  # zoneinfo's own imports what reads tzdata
        found = {*zones}
        for folder in paths.TZPATH:
            for place, folders, names in os.walk(folder):
                if place == folder:
                    folders[:] = [each for each in folders if each not in ("posix", "right")]
                for each in names:
                    path = f"{place}/{each}"
                    with suppress(OSError), open(path, "rb") as zone:  # noqa: PTH123 - as above
                        if zone.read(4) == b"TZif":
                            found.add(path.removeprefix(folder).lstrip("/"))
        return found - {"posixrules"}

    common.__dict__.update(load_tzdata=load_tzdata)
    for module in (paths, sys.modules["zoneinfo"]):
        module.__dict__.update(available_timezones=available_timezones)


_SIZE = 256


class _Kept:
    pages = b""
    modules: Mapping[str, bytes] = MappingProxyType({})


_SMALL_MODULES = (
    "quopri",
    "encodings.base64_codec",
    "encodings.charmap",
    "encodings.quopri_codec",
    "encodings.raw_unicode_escape",
    "encodings.rot_13",
    "encodings.undefined",
    "encodings.utf_32",
    "encodings.utf_32_be",
    "encodings.utf_32_le",
    "encodings.utf_7",
    "encodings.uu_codec",
    "encodings.zlib_codec",
)
"""Codecs that are looked up by name, of which few plugins use one, and what they import."""


def collect_encodings() -> bytes:
    """Return, compressed, the characters of 8-bit encodings that are not imported yet, and small modules."""
    modules = {}
    for name in _SMALL_MODULES:
        loader: Any = importlib.import_module(name).__loader__
        modules[name] = zlib.compress(marshal.dumps(loader.get_code(name)), 9)
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
    return marshal.dumps((zlib.compress(json.dumps(found).encode(), 9), modules))


def keep_encodings(collected: bytes) -> None:
    """Have `codecs.lookup` find what was collected, after all that is found elsewhere."""
    _Kept.pages, _Kept.modules = marshal.loads(collected)  # noqa: S302 - a build's own
    codecs.register(find_code_page)


def find_code_page(encoding: str) -> codecs.CodecInfo | None:
    """Return the codec of an 8-bit encoding, for `codecs.lookup`; None for one that nobody knows.

    Raises:
        UnsupportedOptionError: it is one of Python's that a built plugin has not. That is no LookupError:
            where one is caught, as `email` does, the text is read by another encoding, and is wrong.
    """
    normal = encodings.normalize_encoding(encoding).lower()
    name = aliases.aliases.get(normal) or aliases.aliases.get(normal.replace(".", "_")) or normal
    page = json.loads(zlib.decompress(_Kept.pages)).get(name)
    if page is not None:
        return codec_of(*page)
    if name in _MULTIBYTE:
        from reglet.domain.errors import UnsupportedOptionError  # which is not where this file runs alone

        reason = f"a plugin's Python has those of Unicode and of 8 bits, and not {name}"
        raise UnsupportedOptionError("encoding", encoding, f"{reason}; decode it where the text comes from")
    return None


_MULTIBYTE = frozenset(
    {
        "big5", "big5hkscs", "cp932", "cp949", "cp950", "euc_jis_2004", "euc_jisx0213", "euc_jp", "euc_kr",
        "gb18030", "gb2312", "gbk", "hz", "iso2022_jp", "iso2022_jp_1", "iso2022_jp_2", "iso2022_jp_2004",
        "iso2022_jp_3", "iso2022_jp_ext", "iso2022_kr", "johab", "shift_jis", "shift_jis_2004",
        "shift_jisx0213",
    }
)  # fmt: skip
"""Encodings of Chinese, Japanese and Korean, of which the runtime has no tables."""


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
