"""The interpreter of a guest: what the runtime offers it, its first call, and what it does unlike others."""

from __future__ import annotations

import builtins
import gc
import io
import os
import posixpath
import random
import re
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Any, Protocol, cast

import _reglet  # type: ignore[import-not-found]  # built into the guest's interpreter

from reglet.application.results import RefusedLook, refusals_are_answers, refused_looks
from reglet.domain.errors import UnsupportedOptionError
from reglet.infrastructure import PACKAGES_ROOT, PLUGIN_ROOT
from reglet.infrastructure.guest.exports import reseed, restart_clock

if TYPE_CHECKING:
    from typing_extensions import Buffer


class Interpreter(Protocol):
    """What the runtime offers to Python."""

    def call(self, name: str, request: bytes) -> bytes | None:
        """Call a host function; None if the module imports none of that name."""
        ...

    def set_handler(self, handler: Callable[[str, bytes], bytes]) -> None:
        """Have every call of an export answered by `handler(entry, payload)`."""
        ...

    def environ(self) -> list[bytes]:
        """Return the host's environment, each `NAME=value`."""
        ...

    def preopens(self) -> list[bytes]:
        """Return the guest's paths of the directories that the host gives it."""
        ...

    def refusals(self) -> list[bytes] | None:
        """Return `read:PATH` of each look that was refused since the last call, or None.

        It is `write:` for a change of what the path leads to, `change:` of the name itself, and `env:NAME`
        of what `note_unset` was called with.
        """
        ...

    def note_unset(self, variable: bytes) -> None:
        """Note a variable that a path needs and the host does not give, for `refusals`."""
        ...

    def forget_unused(self) -> list[str]:
        """Forget the built-in modules that nothing imported and a plugin may be without; return them."""
        ...

    def start_in(self, directory: bytes) -> None:
        """Set the working directory to an absolute path, which need not exist."""
        ...


interpreter = cast("Interpreter", _reglet)


_MATCHERS = frozenset({__name__, "os", "glob", "pathlib", "pathlib._os"})
"""Modules that list directories for a look of their own."""

_UNKNOWN = "/./."
"""The working directory of a guest that is told none: a path below it was relative."""


def report_refused_looks() -> None:
    """Have the looks that the host refuses count in a Result."""
    refused_looks.take, refused_looks.read = interpreter.refusals, looks_of
    refused_looks.forget = forget_kept_calls


def report_unset_variables() -> None:
    """Have a path that needs a variable which the host does not give count as a refused look.

    Python leaves `~/x` and `$NAME/x` as they are then, and nothing is found at a path of that name. Of the
    users behind `~name` no guest knows anything.
    """
    expanduser, expandvars = posixpath.expanduser, posixpath.expandvars

    def with_home(path: Any) -> Any:
        expanded = expanduser(path)
        user = os.fsdecode(path).partition("/")[0]
        if user == "~" and "HOME" not in os.environ:
            interpreter.note_unset(b"HOME")
        elif user.startswith("~") and user != "~":
            reason = "a plugin does not know the users of its host; write the home directory as a path"
            raise UnsupportedOptionError("path", os.fsdecode(path), reason)
        return expanded

    def with_variables(path: Any) -> Any:
        expanded = expandvars(path)
        for plain, braced in re.findall(r"\$(?:(\w+)|\{([^}]*)\})", os.fsdecode(path), re.ASCII):
            if plain + braced not in os.environ:
                interpreter.note_unset(os.fsencode(plain + braced))
        return expanded

    posixpath.__dict__.update(expanduser=with_home, expandvars=with_variables)


def report_partial_listings() -> None:
    """Have a listing count as refused of which the host shows only the names that a pattern grants.

    With `/d/*.txt` granted, `glob("/d/*.conf")` finds nothing whether there are such files or not. So the
    pattern itself is looked at, as if it were a path: the host refuses it unless a grant covers it.
    """
    listdir, scandir, walk = os.listdir, os.scandir, os.walk

    def listed(path: Any = ".") -> list[Any]:
        names = listdir(path)
        _look_at_pattern(path, "*")
        return names

    def scanned(path: Any = ".") -> Any:
        entries = scandir(path)
        # those that walk and match look at their own pattern
        if sys._getframe(1).f_globals.get("__name__") not in _MATCHERS:  # noqa: SLF001 - who calls has no other name
            _look_at_pattern(path, "*")
        return entries

    def walked(top: Any, *arguments: Any, **options: Any) -> Iterator[Any]:
        for found in walk(top, *arguments, **options):
            _look_at_pattern(found[0], "*")
            yield found

    os.__dict__.update(listdir=listed, scandir=scanned, walk=walked)


def report_whole_paths() -> None:
    """Have a strict `realpath` look at its whole path, of which it asks one directory after the other."""
    realpath = posixpath.realpath

    def resolved(filename: Any, /, *, strict: Any = False) -> Any:
        if strict:
            os.path.lexists(filename)
        return realpath(filename, strict=strict)

    posixpath.__dict__.update(realpath=resolved)


def report_partial_globs() -> None:
    """Do the same for the patterns of `glob` and `pathlib`, where they were imported."""
    module = sys.modules.get("glob")
    if module is not None:
        iglob = module.iglob

        def matched(pathname: Any, **options: Any) -> Iterator[Any]:
            if options.get("dir_fd") is None:
                _look_at_pattern(options.get("root_dir") or "", pathname)
            return cast("Iterator[Any]", iglob(pathname, **options))

        module.__dict__.update(iglob=matched)
    paths = sys.modules.get("pathlib")
    if paths is not None:
        iterdir, glob, rglob = paths.Path.iterdir, paths.Path.glob, paths.Path.rglob

        def iterated(self: Any) -> Iterator[Any]:
            _look_at_pattern(self, "*")
            return cast("Iterator[Any]", iterdir(self))

        def globbed(self: Any, pattern: Any, **options: Any) -> Iterator[Any]:
            _look_at_pattern(self, pattern)
            return cast("Iterator[Any]", glob(self, pattern, **options))

        def rglobbed(self: Any, pattern: Any, **options: Any) -> Iterator[Any]:
            _look_at_pattern(self, os.path.join("**", pattern))  # noqa: PTH118 - a pattern
            return cast("Iterator[Any]", rglob(self, pattern, **options))

        paths.Path.iterdir, paths.Path.glob, paths.Path.rglob = iterated, globbed, rglobbed


def _look_at_pattern(directory: Any, pattern: Any) -> None:
    """Look at a pattern below a directory as at a path, if its directory shows no more than is granted.

    Of such a directory our host tells no times, and no host tells of another that it never changed.
    """
    try:
        pattern = os.fsdecode(os.path.join(directory, pattern))  # noqa: PTH118 - a pattern
    except TypeError:  # an open directory; or what the listing itself refuses
        return
    magic = re.search("[*?[]", pattern)
    if magic is None:
        return
    try:
        directory = posixpath.dirname(pattern[: magic.start()]) or "."
        if os.stat(directory).st_ctime_ns:  # noqa: PTH116 - pathlib need not be here
            return
        os.scandir(directory).close()
    except OSError:
        return  # no name is shown, and the listing itself counts as refused
    os.path.lexists(pattern)


def forgive_libraries() -> None:
    """Have `mimetypes` do without the files that it looks for: there a refusal is an answer."""
    types = sys.modules.get("mimetypes")
    if types is None:
        return
    init = types.init

    def initialized(files: Sequence[str] | None = None) -> None:
        if files is None or types.__dict__["_db"] is None:
            with refusals_are_answers():
                init()
        if files is not None:
            init(files)

    types.__dict__.update(init=initialized)


def looks_of(refusals: Sequence[bytes]) -> Sequence[RefusedLook]:
    """Return the looks that were refused, apart from those of libraries for data of their own."""
    # where the standard library looks for data that it can do without
    zones = sys.modules.get("zoneinfo")
    own = (*zones.TZPATH,) if zones else ()
    looks: list[RefusedLook] = []
    for each in refusals:
        why, _, name = os.fsdecode(each).partition(":")
        if why == "env":
            looks.append(RefusedLook("env", name))
            continue
        if name.startswith(_UNKNOWN):
            name = name.removeprefix(_UNKNOWN).lstrip("/")
        path = posixpath.normpath(name)
        # code that has no file is called so, and a traceback looks for its source
        is_of_no_file = re.fullmatch("<.*>", posixpath.basename(path), re.DOTALL)
        if not path.startswith(own) and not is_of_no_file:
            target = path
            # where it leads, as far as the guest sees it: that is what hosts ask a grant for
            if path.startswith("/") and why == "change":
                folder, last = posixpath.split(path)
                target = posixpath.join(os.path.realpath(folder), last)
            elif path.startswith("/"):
                target = os.path.realpath(path)
            looks.append(RefusedLook("read" if why == "read" else "write", target, path))
    interpreter.refusals()  # those of looking where links lead
    return looks


_KEEPING: Any = type(cache(len))
"""What `functools.cache` and `lru_cache` make of a function."""


def forget_kept_calls() -> None:
    """Clear the caches of functions and methods in modules of the plugin and its packages."""
    for module in list(sys.modules.values()):
        if (getattr(module, "__file__", None) or "").startswith((PLUGIN_ROOT, PACKAGES_ROOT)):
            for value in list(vars(module).values()):
                for each in (value, *(vars(value).values() if isinstance(value, type) else ())):
                    if type(each) is _KEEPING:
                        each.cache_clear()


def mend_changing_modes() -> None:
    """Have a change of modes, of which WASI knows none, fail where the file may not be changed."""
    change_mode = os.chmod

    def changed(path: Any, mode: int, *, dir_fd: int | None = None, follow_symlinks: bool = True) -> None:
        status = os.stat(path, dir_fd=dir_fd, follow_symlinks=follow_symlinks)
        times = (status.st_atime_ns, status.st_mtime_ns)
        os.utime(path, ns=times, dir_fd=dir_fd, follow_symlinks=follow_symlinks)
        change_mode(path, mode, dir_fd=dir_fd, follow_symlinks=follow_symlinks)

    os.__dict__.update(chmod=changed)


def mend_opening() -> None:
    """Have `os.open` read where its flags do not say what for: elsewhere `O_RDONLY` is 0, and left out."""
    opened = os.open

    def mended(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        wanted = flags & (os.O_RDONLY | os.O_WRONLY) or os.O_RDONLY
        return opened(path, flags | wanted, mode, dir_fd=dir_fd)

    if opened in os.supports_dir_fd:
        os.supports_dir_fd.add(mended)
    os.__dict__.update(open=mended)


_DIRECTIVE = re.compile(r"%([-_0^#]*)(\d*[EO]?)(.)", re.DOTALL)
_OF_LIBC = frozenset("aAbBcCdDeFgGhHIjmMnprRsStTuUVwWxXyYzZ%")


def mend_formats_of_time() -> None:
    """Have `strftime` know those of glibc: for one that it does not know, libc's gives nothing at all."""
    of_libc = time.strftime

    def formatted(format: str, *moment: Any) -> str:  # noqa: A002 - as it is called elsewhere
        def written(match: re.Match[str]) -> str:
            flags, width, name = match.groups()
            name = {"k": "_H", "l": "_I", "P": "p"}.get(name, name)
            if name[-1] not in _OF_LIBC:
                return f"%{match[0]}"
            known = flags.replace("^", "").replace("#", "")
            if known == flags and match[3] != "P":
                return f"%{flags}{width}{name}"
            text = of_libc(f"%{known}{width}{name}", *moment).replace("%", "%%")
            return text.upper() if "^" in flags else text.lower()

        return of_libc(_DIRECTIVE.sub(written, format), *moment)

    time.__dict__.update(strftime=formatted)


def mend_locales() -> None:
    """Have `setlocale` refuse those that libc lacks: it takes any name, and formats as in C all the same."""
    import _locale

    error_class: type[Exception] = vars(_locale)["Error"]  # which its stub leaves out
    of_libc = _locale.setlocale

    def chosen(category: int, name: str | None = None, /) -> str:
        before = of_libc(_locale.LC_ALL, None)
        found = of_libc(category, name)
        if not {"c", "posix", "c.utf8"}.issuperset(found.lower().replace("-", "").split(";")):
            of_libc(_locale.LC_ALL, before)
            raise error_class(
                f"unsupported locale setting: {found}: a plugin's Python has the locale C alone"
            )
        return found

    _locale.__dict__.update(setlocale=chosen)


_QUOTIENT_BITS = 4000
"""Fewer than those from which on CPython leaves a division to `_pylong`."""


def divide_long_integers() -> None:
    """Have integers of thousands of digits divided without `_pylong`, unless the plugin brings it.

    The interpreter imports it for a quotient of 4,500 bits and a divisor of 9,000, and nobody sees it
    coming; it brings all of `decimal`. What is left here is the division, a part of the quotient at a time.
    """
    if "_pylong" in sys.modules:
        return

    def int_divmod(dividend: int, divisor: int) -> tuple[int, int]:
        if divisor < 0:
            quotient, rest = int_divmod(-dividend, -divisor)
            return quotient, -rest
        if dividend < 0:
            quotient, rest = int_divmod(~dividend, divisor)
            return ~quotient, divisor + ~rest
        quotient = rest = 0
        for shift in range(dividend.bit_length() // _QUOTIENT_BITS * _QUOTIENT_BITS, -1, -_QUOTIENT_BITS):
            part = dividend >> shift & (1 << _QUOTIENT_BITS) - 1
            digits, rest = divmod(rest << _QUOTIENT_BITS | part, divisor)
            quotient = quotient << _QUOTIENT_BITS | digits
        return quotient, rest

    module = ModuleType("_pylong")
    module.__dict__["int_divmod"] = int_divmod
    sys.modules["_pylong"] = module


def answer_by(handler: Callable[[str, bytes], bytes]) -> None:
    """Have `handler(entry, payload)` answer every call of an export; the first resumes the interpreter."""

    def answer(entry: str, payload: bytes) -> bytes:
        interpreter.set_handler(handler)
        resume()
        return handler(entry, payload)

    interpreter.set_handler(answer)


class _KeptEnvironment:
    variables: Mapping[str, str] = MappingProxyType({})


def keep_environment(defaults: dict[str, str], variables: dict[str, str]) -> None:
    """Keep what a plugin set at import: where the host has no such variable, and where it has one too."""
    os.environ.update(defaults)
    _KeptEnvironment.variables = variables


def resume() -> None:
    """Take environment, working directory, seed and start of the clock from the host that runs the plugin.

    Relative paths start where they do in Go: in `PWD`, else in the first of the host's directories.
    """
    pairs = (os.fsdecode(each).partition("=") for each in interpreter.environ())
    variables = {name: value for name, _, value in pairs if name}
    if variables:
        os.environ.update(variables)
    for name, value in _KeptEnvironment.variables.items():
        os.environ[name] = value
    preopens = interpreter.preopens()
    start = variables.get("PWD") or (os.fsdecode(preopens[0]) if preopens else "")
    interpreter.start_in(os.fsencode(posixpath.normpath(f"/{start}")) if start else _UNKNOWN.encode())
    restart_clock()
    if not isinstance(random, SeededLater):
        reseed()


class SeededLater(ModuleType):
    """The module `random` until something of it is used: to seed it would be a fifth of a first call."""

    def __getattribute__(self, name: str) -> Any:
        self.__class__ = ModuleType  # type: ignore[assignment]  # which it is, behind a layer
        reseed()
        return getattr(self, name)


def seed_when_used() -> None:
    """Have `random` seeded when it is used, and not before, unless a plugin holds a function of it."""
    shared = (random._inst, *(each for each in vars(random).values() if _is_of_random(each)))  # noqa: SLF001 - that of its functions
    holders = (each for each in gc.get_referrers(*shared) if each not in (shared, vars(random)))
    if all(map(_is_of_random, holders)):
        module: Any = random
        module.__class__ = SeededLater


def _is_of_random(value: object) -> bool:
    return getattr(value, "__self__", None) is random._inst  # noqa: SLF001 - that of its functions


def pass_breakpoint(*_: object, **__: object) -> None:
    """Stand for the debugger, which needs a terminal, at `breakpoint()`: in the log of a host too."""
    warnings.warn(
        "breakpoint() does nothing in a built plugin: run the project in process",
        RuntimeWarning,
        stacklevel=2,
    )


class AppendingFile(io.FileIO):
    """A file that knows its position itself."""

    _position = 0

    def __init__(self, file: Any, mode: str) -> None:
        super().__init__(file, mode)
        self.seek(0, os.SEEK_END)

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Set the position and return it."""
        if whence == os.SEEK_CUR:
            offset, whence = self._position + offset, os.SEEK_SET
        self._position = super().seek(offset, whence)
        return self._position

    def readinto(self, buffer: Any, /) -> int | None:
        """Read at the position."""
        count = super().readinto(buffer)
        self._position += count or 0
        return count

    def read(self, size: int | None = -1, /) -> bytes:
        """Read at the position, to the end if no size is given."""
        if size is None or size < 0:
            return self.readall()
        buffer = bytearray(size)
        return bytes(buffer[: self.readinto(buffer) or 0])

    def readall(self) -> bytes:
        """Read from the position to the end."""
        parts = iter(lambda: self.read(io.DEFAULT_BUFFER_SIZE), b"")
        return b"".join(parts)

    def write(self, content: Buffer, /) -> int:
        """Write at the end, where the position is then."""
        count = super().write(content)
        self._position = os.fstat(self.fileno()).st_size
        return count


def mend_appending() -> None:
    """Have `open` use such a file for mode `a+`."""
    opened = io.open

    def mended(file: Any, mode: str = "r", buffering: int = -1, *arguments: Any, **options: Any) -> Any:
        appends = isinstance(file, (str, bytes, os.PathLike)) and {"a", "+"} <= {*mode} <= {*"a+bt"}
        if not appends or not set(options) <= {"encoding", "errors", "newline"}:
            return opened(file, mode, buffering, *arguments, **options)
        raw = AppendingFile(file, "a+")
        if "b" in mode and buffering == 0:
            return raw
        stream = io.BufferedRandom(raw, buffering if buffering > 1 else io.DEFAULT_BUFFER_SIZE)
        if "b" in mode:
            return stream
        named = dict(zip(_OF_TEXT, arguments, strict=False)) | options
        encoding, errors, newline = map(named.get, _OF_TEXT)
        text = io.TextIOWrapper(stream, encoding, errors, newline, line_buffering=buffering == 1)
        setattr(text, "mode", mode)  # noqa: B010 - as `open` does, though it cannot be set by its type
        return text

    io.open = builtins.open = mended


_OF_TEXT = ("encoding", "errors", "newline")
