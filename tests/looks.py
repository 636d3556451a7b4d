"""Plugins that look at paths in every way that people use, for the sandbox and for wazero."""

LOOKS = """\
import functools
import glob
import mimetypes
import os
import pathlib
import zoneinfo

import reglet

plugin = reglet.define_plugin(name="looks", version="1.0.0", description="Looks at files")


@reglet.model
class Input:
    way: str
    path: str


@reglet.model
class Hidden:
    token: str = reglet.field(secret=True)


@reglet.model
class Output:
    seen: str


def read(path):
    with open(path) as file:
        return file.read()


KEPT = {}


@functools.cache
def cached(path):
    return os.path.exists(path)


def kept(path):
    return KEPT.setdefault(path, "absent" if not os.path.exists(path) else "there")


WAYS = {
    "cached": cached,
    "kept": kept,
    "open": read,
    "stat": lambda path: os.stat(path).st_size,
    "exists": os.path.exists,
    "listdir": lambda path: sorted(os.listdir(os.path.dirname(path) or ".")),
    "glob": lambda path: glob.glob(os.path.join(os.path.dirname(path), "*.conf")),
    "pathlib": lambda path: pathlib.Path(path).is_file(),
    "lstat": os.path.lexists,
    "access": lambda path: os.access(path, os.F_OK),
    "walk": lambda path: sorted(names for _, _, names in os.walk(os.path.dirname(path))),
    "scandir": lambda path: sorted(each.name for each in os.scandir(os.path.dirname(path))),
    "rglob": lambda path: sorted(map(str, pathlib.Path(path).parent.rglob("*.conf"))),
    "resolve": lambda path: read(pathlib.Path(path).resolve()),
    "write": lambda path: pathlib.Path(path).write_text("new"),
    "mkdir": lambda path: os.mkdir(path),
    "unlink": lambda path: os.unlink(path),
    "chmod": lambda path: os.chmod(path, 0o600),
    "strict": lambda path: os.path.realpath(path, strict=True),
    "types": lambda path: (mimetypes.init(), os.path.exists(path)),
    "cwd": lambda _: os.getcwd(),
    "caught": lambda path: "none" if not os.path.exists(path) else "some",
    "raised": lambda path: 1 / os.path.exists(path),
    "zone": lambda _: str(zoneinfo.ZoneInfo("Europe/Nowhere")),
    "type": lambda _: mimetypes.guess_type("page.html")[0],
    "source": lambda _: os.path.exists(__file__),
    "home": lambda path: os.path.exists(os.path.expanduser(path)),
    "home of pathlib": lambda path: pathlib.Path(path).expanduser().exists(),
    "variables": lambda path: os.path.exists(os.path.expandvars(path)),
    "real": os.path.realpath,
}


def answer(request):
    return Output(str(WAYS[request.way](request.path)))


@plugin.service("looks")
class Looks:
    @reglet.operation(description="Look")
    def look(self, request: Input) -> Output:
        return answer(request)

    @reglet.operation(description="Look, where a refusal is an answer")
    def ask(self, request: Input) -> Output:
        with reglet.refusals_are_answers():
            return answer(request)

    @reglet.operation(description="Look at one path as an answer, after another as a condition")
    def both(self, request: Input) -> Output:
        os.path.exists(request.path)
        with reglet.refusals_are_answers():
            return Output(str(os.path.exists(request.path + ".d")))

    @reglet.operation(description="Look at a path that is secret")
    def hide(self, request: Hidden) -> Output:
        return Output(str(os.path.exists(request.token)))
"""

READS = ("open", "stat", "exists", "listdir", "glob", "pathlib")
"""The ways that every host is asked in."""

OF_THE_FOLDER = frozenset({"listdir", "glob", "walk", "scandir", "rglob"})
"""Those that look at the folder in which a path is."""

EVALUATE = """
import errno, glob, io, os, shutil, stat
from pathlib import Path


def opened(path, flags, then=os.fstat, *more):
    fd = os.open(path, flags)
    try:
        return then(fd, *more)
    finally:
        os.close(fd)


def evaluated(expressions, folder):
    found = []
    for each in expressions:
        try:
            found.append(repr(eval(each, {**globals(), "T": folder})))
        except OSError as error:
            found.append(errno.errorcode[error.errno])
    return found
"""
EVALUATOR = (
    EVALUATE
    + """
import reglet

plugin = reglet.define_plugin(name="evaluate", version="1.0.0", description="d")


@reglet.model
class Input:
    expressions: list[str]
    folder: str


@plugin.service("files")
class Files:
    @reglet.operation(description="Evaluate expressions")
    def check(self, request: Input) -> reglet.Result:
        return reglet.result_success("ok", {"found": evaluated(request.expressions, request.folder)})
"""
)
