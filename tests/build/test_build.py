"""Builds of small plugins in the real runtime: what comes out, and what is refused with which words."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from reglet.infrastructure.build import (
    BuildTimeoutError,
    ImportSideEffectError,
    OutputError,
    OutsideRootsError,
    PluginImportError,
)
from reglet.infrastructure.build.build import BuildReport, Stage, build_plugin, check_build, write_output
from reglet.infrastructure.wasm.module import BUILD_SECTION, read_plugin
from tests.build.plugins import PLUGIN

Build = Callable[..., BuildReport]


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Return a function that builds a plugin from its text and further files beside it."""

    def run(source: str, **beside: str) -> BuildReport:
        folder = tmp_path / "project"
        for name, content in {"tiny.py": source, **beside}.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(content)
        return build_plugin(folder / "tiny.py", tmp_path / "out.wasm")

    return run


def test_a_build_reports_what_it_made(build: Build, tmp_path: Path) -> None:
    """Name, version, size and digest are those of the file; the stages are told in order."""
    report = build(PLUGIN)

    content = (tmp_path / "out.wasm").read_bytes()
    assert (report.name, report.version, report.path) == ("tiny", "1.0.0", tmp_path / "out.wasm")
    assert (report.size, report.digest) == (len(content), hashlib.sha256(content).hexdigest())
    assert [stage.name for stage in report.stages] == [
        "prepare", "restore", "import", "check", "snapshot", "write",
    ]  # fmt: skip
    assert (report.warnings, report.output) == ((), "")
    assert report.sources == (tmp_path / "project" / "tiny.py",)


OWN_RECORDS = """
import attrs
from reglet.domain.entities.result import Result

@attrs.frozen
class Own:
    value: int
    other: object = attrs.field(default=2, kw_only=True)
    number: int = attrs.field(default="3", converter=int)
    made: list[int] = attrs.field(factory=list)
    always: int = attrs.field(init=False, default=5)

own = Own(1, made=[4])
try:
    own.value = 2
except attrs.exceptions.FrozenInstanceError:
    pass
assert attrs.astuple(own) == (1, 2, 3, [4], 5)
assert attrs.astuple(Own(1, "6", other=None)) == (1, None, 6, [], 5)
for each in (Result, Own):
    assert each.__init__.__globals__["_set_fields"].__name__ == "set_fields"

@attrs.frozen
class MadeOfOthers:
    value: int
    twice: int = attrs.Factory(lambda self: 2 * self.value, takes_self=True)

@attrs.define
class Changing:
    value: int = attrs.field(on_setattr=lambda self, field, value: 2 * value)

@attrs.frozen(cache_hash=True, slots=False)
class WithDict:
    value: int = attrs.field(validator=attrs.validators.instance_of(int))

assert MadeOfOthers(2).twice == 4
assert Changing(2).value == 2
assert WithDict(2).value == 2
assert hash(WithDict(2)) == hash(WithDict(2))
"""


def test_frozen_instances_are_made_by_one_call(build: Build) -> None:
    """It stands where attrs writes its own, which another release could write otherwise; they stay frozen."""
    assert build(PLUGIN + OWN_RECORDS).name == "tiny"


def test_progress_is_told_twice_a_stage(tmp_path: Path) -> None:
    """When it begins, and when it has ended with its seconds."""
    (tmp_path / "tiny.py").write_text(PLUGIN)
    told: list[Stage] = []

    report = build_plugin(tmp_path / "tiny.py", tmp_path / "out.wasm", progress=told.append)

    assert told[1::2] == list(report.stages)
    assert [stage.seconds for stage in told[::2]] == [None] * 6


def test_the_module_has_the_abi_and_no_host_function_it_cannot_use(build: Build) -> None:
    """Without capabilities a plugin imports the log alone, and needs at most 16 MB at the start."""
    plugin = read_plugin(build(PLUGIN).path.read_bytes())

    assert plugin.imported_functions("reglet_host") == ("log_message",)
    assert {"allocate", "deallocate", "_manifest", "_observe", "describe", "schema", "observe"} == (
        plugin.exported_functions
    )
    assert plugin.memory is not None
    assert plugin.memory.minimum * 65536 <= 16 * 1024 * 1024
    assert b'"tiny"' in bytes(plugin.custom[BUILD_SECTION])


OWN_CLASS = """
class Own:
    def check(self, ctx, config):
        return None

    def manifest(self, ctx):
        """

NETWORK = "capabilities=reglet.GrantSet(network=reglet.NetworkCapability(rules=[])), "
EXEC = 'capabilities=reglet.GrantSet(exec=reglet.ExecCapability(commands=["/bin/true"])), '


@pytest.mark.parametrize(
    ("capabilities", "imported"),
    [
        (NETWORK, ("dns_lookup", "http_request", "log_message", "smtp_connect", "tcp_connect")),
        (EXEC, ("exec_command", "log_message")),
    ],
)
def test_capabilities_decide_which_host_functions_are_imported(
    build: Build, capabilities: str, imported: tuple[str, ...]
) -> None:
    """A host need only offer what the plugin declares."""
    report = build(PLUGIN.replace('version="1.0.0", ', f'version="1.0.0", {capabilities}'))

    assert read_plugin(report.path.read_bytes()).imported_functions("reglet_host") == imported


def test_two_builds_are_the_same_bytes(tmp_path: Path) -> None:
    """From another folder, with other files beside the plugin, and on a cold cache."""
    digests = set()
    for name, beside in (("one", "README.md"), ("another/place", "unused.py")):
        folder = tmp_path / name
        folder.mkdir(parents=True)
        (folder / "tiny.py").write_text(PLUGIN)
        (folder / beside).write_text("x = 1")
        digests.add(build_plugin(folder / "tiny.py", tmp_path / "out.wasm").digest)

    assert len(digests) == 1


def test_what_a_function_could_import_leaves_no_trace(build: Build) -> None:
    """Whether a module is there that a function may import and the plugin does not changes no byte."""
    source = (
        PLUGIN
        + "def later():\n"
        + "".join(
            f"    try:\n        import other_{number}.part\n    except ImportError:\n        pass\n"
            for number in range(50)
        )
    )
    without = build(source)
    there = build(source, **{f"other_{number}/__init__.py": "" for number in range(50)})

    assert (len(without.warnings), len(there.warnings)) == (0, 50)
    assert without.digest == there.digest


def test_a_check_tells_equal_from_different(build: Build, tmp_path: Path) -> None:
    """The file that was built is equal; one changed byte, or changed source, is not."""
    report = build(PLUGIN)
    source = tmp_path / "project" / "tiny.py"
    equal = check_build(source, report.path)
    source.write_text(PLUGIN.replace("Says what", "Repeats what"))
    changed = check_build(source, report.path)

    assert (equal.equal, equal.digest) == (True, equal.built_digest)
    assert (changed.equal, changed.digest) == (False, report.digest)


def test_a_failing_import_shows_the_authors_lines(build: Build, tmp_path: Path) -> None:
    """The traceback has the paths of this machine, the source lines, and no frame of ours."""
    with pytest.raises(PluginImportError) as caught:
        build("import inner\n", **{"inner.py": "def work():\n    return {}['key']\n\nwork()\n"})

    folder = tmp_path / "project"
    assert str(caught.value) == "tiny cannot be imported: KeyError: 'key'"
    assert f'File "{folder / "tiny.py"}", line 1' in caught.value.traceback
    assert f'File "{folder / "inner.py"}", line 2, in work' in caught.value.traceback
    assert "return {}['key']" in caught.value.traceback
    assert caught.value.traceback.count("File ") == 3
    assert not (tmp_path / "out.wasm").exists()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import absent_package\n", "ModuleNotFoundError: No module named 'absent_package'"),
        ("def broken(:\n", "SyntaxError: invalid syntax"),
        ("import sys\nsys.exit(3)\n", "SystemExit: 3"),
        ("raise ImportError('\\n\\nfirst\\nsecond')\n", "cannot be imported: ImportError: first"),
        ("import threading\nthreading.Thread().start()\n", "start new thread; do without: a plugin has one"),
        ("open('a.txt')\n", "open what lies beside the code by Path(__file__)"),
        ("open('/etc/hosts')\n", "a build sees the files beside the plugin's code, and not this machine"),
        ("import cProfile\n", "; cProfile is not in a plugin's Python"),
        ("import compression.zstd\n", "; compression.zstd is not in a plugin's Python"),
        ("import telnetlib\n", "; telnetlib is no longer part of Python"),
        ("import hidden\n", "; fast is a native extension module, and a plugin has pure Python only"),
        ("x = " + "+".join(["1"] * 5000), "RecursionError: "),
        ("import os\nos._exit(7)\n", "tiny cannot be imported: it ends the program"),
        ("x = [bytearray(10**8) for _ in range(5)]\n", "tiny cannot be imported: MemoryError"),
        ("def deep():\n    deep()\ndeep()\n", "RecursionError: maximum recursion depth exceeded"),
        ("import json\njson.loads('[' * 100_000)\n", "tiny cannot be imported: RecursionError"),
        ("x = 1\n", "has no plugin at its top level"),
        ("import reglet.testing\n", "reglet.testing is for tests and cannot be in a plugin"),
        ("import fast\n", "'fast': it is a native extension module, and a plugin has pure Python only"),
        (PLUGIN + "from os import fork\n", "cannot import name 'fork'"),
        ("from os import fork\n", "os.fork is not in a plugin's Python: use ctx.client(CommandRunner)"),
        ("from hashlib import scrypt\n", "hashlib.scrypt is not in a plugin's Python: do without it"),
        (PLUGIN + "plugin.manifest = None\n", "cannot describe itself"),
        (OWN_CLASS + "return {}\nplugin = Own()\n", "manifest() returned a dict; return a reglet.Manifest"),
        (OWN_CLASS + "raise KeyError(3)\nplugin = Own()\n", "cannot describe itself: KeyError: 3"),
    ],
)
def test_what_cannot_be_imported(build: Build, source: str, message: str) -> None:
    """The cause is one line in the author's words."""
    hidden = "try:\n    import fast\nexcept ImportError:\n    raise ImportError('broken') from None\n"
    with pytest.raises(PluginImportError) as caught:
        build(source, **{"fast.cpython-312-x86_64-linux-gnu.so": "", "hidden.py": hidden})

    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def python_with(folder: Path, packages: dict[str, str]) -> Path:
    """Return an interpreter whose packages are these files."""
    for name, content in packages.items():
        path = folder / "packages" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    answer = json.dumps([[str(folder / "packages")], "/nowhere"])
    python = folder / "python"
    python.write_text(f"#!/bin/sh\necho '{answer}'\n")
    python.chmod(0o755)
    return python


def test_a_packages_native_module_beside_its_stubs_is_refused(tmp_path: Path) -> None:
    """The folder of stubs that has the native module's name is no package, in an environment's packages too."""
    packages = {"fast/__init__.py": "from ._fast import A", "fast/_fast.abi3.so": "", "fast/_fast/a.pyi": ""}
    python = python_with(tmp_path, packages)
    (tmp_path / "tiny.py").write_text("import fast\n" + PLUGIN)

    with pytest.raises(PluginImportError, match=r"fast\._fast': it is a native extension module"):
        build_plugin(tmp_path / "tiny.py", tmp_path / "out.wasm", python=python)


PROJECT = '[project]\nversion = "2.0"\n[tool.reglet]\nplugin = "tiny:plugin"\n'


def test_the_projects_own_metadata_is_there(build: Build) -> None:
    """Though it is not installed: at import, where all that is installed is listed too, and in the handler."""
    source = PLUGIN.replace('version="1.0.0", ', "") + (
        "from importlib.metadata import distributions, version\n"
        "names = [each.metadata['Name'] for each in distributions()]\n"
        "print(version('our-project'), 'our-project' in names, 'attrs' in names)\n"
    )

    report = build(source, **{"pyproject.toml": PROJECT.replace("version", 'name = "our-project"\nversion')})

    assert report.output == "2.0 True True\n"


def test_two_versions_are_refused(build: Build) -> None:
    """The plugin says one and its project another: the text names both."""
    with pytest.raises(PluginImportError, match=r'says version "1\.0\.0" and the project says "2\.0"'):
        build(PLUGIN, **{"pyproject.toml": PROJECT})


def test_a_host_call_at_import_is_refused(build: Build, tmp_path: Path) -> None:
    """Even one whose failure the plugin hides; the text says where it was and where to do it instead."""
    hidden = PLUGIN + (
        "import contextlib\nfrom reglet.infrastructure.guest.interpreter import interpreter\n"
        "with contextlib.suppress(Exception):\n    interpreter.call('http_request', b'{}')\n"
    )

    with pytest.raises(
        ImportSideEffectError, match="calls the host \\(http_request\\) while it is imported"
    ) as caught:
        build(hidden)

    assert f'File "{tmp_path / "project" / "tiny.py"}", line' in caught.value.traceback


def test_a_file_left_open_at_import_is_refused(build: Build, tmp_path: Path) -> None:
    """The text names the file."""
    with pytest.raises(ImportSideEffectError, match="leaves files open at import: ") as caught:
        build(PLUGIN + "kept = open(__file__)\n")

    assert str(tmp_path / "project" / "tiny.py") in str(caught.value)


def test_data_beside_the_plugin_can_be_read_at_import(build: Build) -> None:
    """A file that is read and closed is fine; what was printed is kept for the author."""
    source = PLUGIN + "import pathlib\nprint(pathlib.Path(__file__).with_name('data.txt').read_text())\n"

    assert build(source, **{"data.txt": "from the file"}).output == "from the file\n"


def test_a_breakpoint_is_passed_with_a_word(build: Build) -> None:
    """There is no terminal for a debugger; the text says where there is one."""
    report = build(PLUGIN + "breakpoint()\n")

    assert (
        "RuntimeWarning: breakpoint() does nothing in a built plugin: run the project in process"
        in report.output
    )


def test_numbers_drawn_at_import_are_warned_about(build: Build) -> None:
    """Although the seed was taken before: they are the same in every run."""
    (warning,) = build(PLUGIN + "from random import choice\nchosen = choice('ab')\n").warnings
    assert "takes random bytes at import" in warning
    assert "chosen = choice('ab')" in warning


@pytest.mark.parametrize(
    ("line", "warning"),
    [
        ("import os\nhome = os.environ.get('HOME')\n", "reads the environment variable HOME at import"),
        ("import time\nstarted = time.time()\n", "reads the clock at import"),
        ("import secrets\ntoken = secrets.token_hex()\n", "takes random bytes at import"),
        ("import xml\ndef later():\n    return xml.etree\n", "uses xml.etree, a module that nothing imports"),
        ("def later():\n    import fractions\n", "import fractions at the top"),
        ("def later():\n    import sqlite3\n", "imports sqlite3, which does not work in a plugin: use json"),
        ("def later():\n    import readline\n", "readline, which is not in a plugin's Python: do without"),
        ("def later():\n    from beside import thing\n", "imports beside inside a function"),
        ("later = lambda: __import__('beside')\n", "imports beside inside a function"),
        (
            "def later():\n    try:\n        import beside\n    except ImportError:\n        pass\n",
            "imports beside",
        ),
        (
            "from importlib import import_module\ndef later(name):\n    return import_module(name)\n",
            "looks for modules inside a function, when a built plugin can import nothing more: import_module(name)",
        ),
        (
            "import os\ndef later():\n    return os.getuid()\n",
            "uses os.getuid, which is not in a plugin's Python",
        ),
        (
            "import os\ndef later():\n    os.system('ls')\n",
            "os.system, which is not in a plugin's Python: use ctx.c",
        ),
        (
            "def later():\n    from hashlib import scrypt\n",
            "uses hashlib.scrypt, which is not in a plugin's Python",
        ),
        (
            "def later():\n    from os import fork as divide, path\n",
            "os.fork, which is not in a plugin's Python",
        ),
        ("import os\nall = dict(os.environ)\n", "reads all environment variables at import"),
        ("import os\nthere = os.path.exists('/etc/hosts')\n", "looks for /etc/hosts at import"),
        ("import random\n", "the plugin's own module random is not imported"),
        ("def later():\n    return open('data/rows.csv')\n", "tiny.py may read files beside it in a check"),
    ],
)
def test_what_may_not_work_in_a_host_is_warned_about(build: Build, line: str, warning: str) -> None:
    """Each warning says what is done, and what to do instead."""
    beside = {"beside.py": "thing = 1", "random.py": "x = 1", "data/rows.csv": ""}
    report = build(PLUGIN + line, **beside)

    assert [warning in each for each in report.warnings] == [True]


@pytest.mark.parametrize(
    "source",
    [
        "import os\ndef later():\n    if hasattr(os, 'getuid'):\n        return os.getuid()\n",
        "def later():\n    try:\n        import absent\n    except ImportError:\n        pass\n",
        "from typing import TYPE_CHECKING\ndef later():\n    if TYPE_CHECKING:\n        import fractions\n",
        "import importlib.util\ndef later():\n    return importlib.util.find_spec('absent')\n",
    ],
)
def test_what_a_function_can_do_without_is_no_cause_for_a_warning(build: Build, source: str) -> None:
    """What is not there outside of a plugin either, and what no run reaches."""
    assert build(PLUGIN + source).warnings == ()


@pytest.mark.parametrize("module", ["zoneinfo", "selectors", "uuid", "concurrent.futures", "unittest.mock"])
def test_what_the_standard_library_reads_as_it_is_imported_is_its_own(build: Build, module: str) -> None:
    """Its settings and its trials of the system are no finding about the plugin."""
    assert [
        each for each in build(f"import {module}\n{PLUGIN}").warnings if "does not work" not in each
    ] == []


def test_what_the_plugin_reads_through_the_standard_library_is_warned_about(build: Build) -> None:
    """By a call, that is, also beside what a module reads as it is imported."""
    (clock,) = build(f"import selectors, email.utils\n{PLUGIN}\nemail.utils.formatdate()\n").warnings

    assert "reads the clock at import" in clock
    assert "email.utils.formatdate()" in clock


PACKAGES = {
    "single.py": "import os\nHERE = os.path.dirname(__file__)\n",
    "other/data.bin": "",
    "many/__init__.py": "from importlib import resources\ndef later(n):\n    return __import__('many.' + n)\n",
    "many/below/__init__.py": "",
    "many/below/words.txt": "",
    "zoned.py": "import zoneinfo\ndef later(name):\n    return zoneinfo.ZoneInfo(name)\n",
}


def test_what_packages_look_for_is_named(tmp_path: Path) -> None:
    """Modules by computed names, data in packages below theirs, and time zones; not what is another's."""
    (tmp_path / "tiny.py").write_text("import single, many, zoned\n" + PLUGIN)
    python = python_with(tmp_path, PACKAGES)

    late, zones, data = build_plugin(tmp_path / "tiny.py", tmp_path / "out.wasm", python=python).warnings

    assert "package many looks for modules inside its functions, by names that are computed: " in late
    assert "__init__.py:3 __import__('many.' + n)" in late
    assert (
        "package zoned may ask for time zones, of which a built plugin has UTC alone: install tzdata" in zones
    )
    assert data.startswith(
        "package many may read files beside it in a check, which a built plugin has not: below/"
    )


def test_packages_that_import_late_are_told_in_one_line_each(tmp_path: Path) -> None:
    """Not every line of another's package: its name, and the modules that may be missed."""
    (tmp_path / "tiny.py").write_text("import idna\n" + PLUGIN)

    (warning,) = build_plugin(tmp_path / "tiny.py", tmp_path / "out.wasm").warnings

    assert warning.startswith("package idna imports inside its functions: idna.uts46data; ")


@pytest.mark.parametrize(
    "line",
    ["now = datetime.datetime.now()", "token = uuid.uuid4()", "home = os.getenv('HOME')", "at = time.time()"],
)
def test_a_warning_shows_the_line(build: Build, tmp_path: Path, line: str) -> None:
    """What a build bakes in is shown where it is done."""
    (warning,) = build(PLUGIN + f"import datetime, os, time, uuid\n{line}\n").warnings

    assert f'File "{tmp_path / "project" / "tiny.py"}", line' in warning
    assert warning.endswith(line)


def test_an_import_in_a_function_that_is_in_memory_anyway(build: Build) -> None:
    """Modules that are there, and imports that fail outside of a plugin too, are no cause for a warning."""
    report = build(
        PLUGIN
        + "def later():\n    import json\n    try:\n        import absent\n    except ImportError:\n        pass\n"
    )

    assert report.warnings == ()


def test_a_large_module(build: Build) -> None:
    """A megabyte of data in one is no limit."""
    assert build("import big\n" + PLUGIN, **{"big.py": f"x = {'x' * 3_000_000!r}\n"}).warnings == ()


HOSTILE = """
import sys, types, weakref

class Raises(types.ModuleType):
    def __getattribute__(self, name):
        raise RuntimeError(name)

sys.modules["dead"] = weakref.proxy(types.ModuleType("dead"))
sys.modules["raises"] = Raises("raises")
sys.modules["object"] = object()
sys.modules["odd"] = types.ModuleType("odd")
sys.modules["odd"].__file__ = 3
sys.modules[3] = None
"""


def test_any_object_may_stand_for_a_module(build: Build) -> None:
    """Dead proxies, objects that raise for each attribute, and modules with a number for a file."""
    assert build(PLUGIN + HOSTILE).warnings == ()


def test_a_package_without_init_has_data(build: Build) -> None:
    """As `importlib.resources` reads it at import."""
    source = "import importlib.resources\nprint(importlib.resources.files('space').joinpath('a.txt').read_text())\n"

    assert build(PLUGIN + source, **{"space/a.txt": "from the file"}).output == "from the file\n"


def test_a_package_may_look_for_a_home_at_import(build: Build) -> None:
    """There is none, but no package is refused for that."""
    (warning,) = build(PLUGIN + "import pathlib\nhome = pathlib.Path.home()\n").warnings

    assert "reads the environment variable HOME at import" in warning


def test_a_named_file(tmp_path: Path) -> None:
    """What stood there before is replaced, and nothing lies beside it."""
    (tmp_path / "a.wasm").write_bytes(b"old")

    assert write_output(tmp_path / "a.wasm", "name.wasm", b"new") == tmp_path / "a.wasm"
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a.wasm", b"new")]


def test_a_pipe_and_a_link_stay_what_they_are(tmp_path: Path) -> None:
    """A pipe is written to, and so is what a link points to: neither is replaced by a file."""
    reading, writing = os.pipe()
    (tmp_path / "link").symlink_to(tmp_path / "a.wasm")

    write_output(tmp_path / "link", "name.wasm", b"new")
    write_output(Path(f"/dev/fd/{writing}"), "name.wasm", b"piped")

    assert ((tmp_path / "link").is_symlink(), (tmp_path / "a.wasm").read_bytes()) == (True, b"new")
    assert os.read(reading, 9) == b"piped"
    os.close(reading)
    os.close(writing)


def test_a_folder(tmp_path: Path) -> None:
    """A folder gets the file by the plugin's name."""
    assert write_output(tmp_path, "name.wasm", b"new") == tmp_path / "name.wasm"


def test_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a place, the file goes where the command runs."""
    monkeypatch.chdir(tmp_path)

    assert write_output(None, "name.wasm", b"new").resolve() == (tmp_path / "name.wasm").resolve()


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    """The text names the place, the cause and the option."""
    with pytest.raises(OutputError, match="No such file or directory; choose another place with -o"):
        write_output(tmp_path / "absent" / "a.wasm", "name.wasm", b"new")


def test_a_submodule_that_a_function_takes_from_its_package_is_warned_of(build: Build) -> None:
    """`from package import module` in a function; a name that is there already is no submodule to miss."""
    source = PLUGIN + (
        "import package\ndef later():\n    from package import there, module\n"
        "    import importlib\n    from package.module import x\n"
    )

    warnings = build(
        source, **{"package/__init__.py": "there = 1\n", "package/module.py": "x = 1\n"}
    ).warnings

    assert len(warnings) == 2
    assert all("imports package.module inside a function" in each for each in warnings)


def test_a_relative_submodule_is_warned_of(build: Build) -> None:
    """`from . import module`."""
    beside = {"package/__init__.py": "def later():\n    from . import module\n", "package/module.py": ""}

    (warning,) = build(PLUGIN + "import package\n", **beside).warnings

    assert "imports package.module inside a function" in warning


def test_a_dead_proxy_is_no_obstacle(build: Build) -> None:
    """Nor is an object of which nothing can be asked."""
    source = (
        "import weakref\nclass A: pass\nDEAD = weakref.proxy(A())\n"
        "class B:\n    @property\n    def __class__(self): raise RuntimeError('not yet')\nLAZY = B()\n"
    )

    assert build(source + PLUGIN).warnings == ()


def test_data_that_a_check_may_read_is_named(build: Build) -> None:
    """What is read at import is in the plugin; what merely lies beside its one file is no data of it."""
    source = PLUGIN + (
        "import pathlib\nHERE = pathlib.Path(__file__).parent\nKEPT = (HERE / 'kept.json').read_text()\n"
        "def later():\n    return (HERE / 'later.json').read_text()\n"
    )

    (warning,) = build(source, **{"kept.json": "{}", "later.json": "{}", "other.json": "{}"}).warnings

    assert "may read files beside it in a check, which a built plugin has not: later.json; " in warning


def test_data_of_a_package_is_named(build: Build) -> None:
    """All of it, folders that are no packages too: names are often made up of parts."""
    package = (
        "import importlib.resources\ndef of(name):\n    return importlib.resources.files(__name__) / name\n"
    )
    beside = {
        "package/__init__.py": package,
        "package/a.json": "",
        "package/data/b.txt": "",
        "package/py.typed": "",
    }

    (warning,) = build(PLUGIN + "import package\n", **beside).warnings

    assert ": a.json, data/b.txt; read them at the top of a module" in warning


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
@pytest.mark.parametrize(
    ("target", "line"),
    [
        ("secret.py", "import linked"),
        ("secret.txt", "open(__file__.replace('tiny.py', 'linked.txt')).read()"),
    ],
)
def test_a_link_out_of_the_project_is_refused(build: Build, tmp_path: Path, target: str, line: str) -> None:
    """A build takes no file from elsewhere, neither code nor data."""
    (tmp_path / target).write_text("SECRET = 1\n")
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / f"linked{Path(target).suffix}").symlink_to(tmp_path / target)

    with pytest.raises(OutsideRootsError, match="put the file itself there"):
        build(f"{line}\n" + PLUGIN)


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
def test_a_link_to_a_folder_outside_is_refused(build: Build, tmp_path: Path) -> None:
    """Links of links too."""
    (tmp_path / "away").mkdir()
    (tmp_path / "away" / "__init__.py").write_text("")
    (tmp_path / "project").mkdir()
    (tmp_path / "between").symlink_to(tmp_path / "away")
    (tmp_path / "project" / "linked").symlink_to(tmp_path / "between")

    with pytest.raises(OutsideRootsError):
        build("import linked\n" + PLUGIN)


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
def test_a_link_within_the_project_is_followed(build: Build, tmp_path: Path) -> None:
    """What it leads to could be imported in any case."""
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "linked.py").symlink_to(tmp_path / "project" / "real.py")

    assert build("import linked\n" + PLUGIN, **{"real.py": "x = 1\n"}).warnings == ()


@pytest.mark.parametrize("source", ["while True: pass\n", "import time\nwhile True: time.sleep(1)\n"])
def test_an_import_that_never_ends_is_stopped(tmp_path: Path, build: Build, source: str) -> None:
    """At the limit of time, and nothing is written."""
    build(PLUGIN)
    (tmp_path / "out.wasm").unlink()
    (tmp_path / "endless.py").write_text(source + PLUGIN)

    with pytest.raises(BuildTimeoutError, match="did not end within 2 s"):
        build_plugin(tmp_path / "endless.py", tmp_path / "out.wasm", most_seconds=2)

    assert not (tmp_path / "out.wasm").exists()


def test_the_metadata_of_a_package_is_there_at_import(build: Build) -> None:
    """Of one that was asked for under any spelling; what is not installed is not found."""
    output = build(
        "import importlib.metadata as m\nprint(m.version('Typing.Extensions'), m.metadata('idna')['Name'])\n"
        "try:\n    m.version('nothing-of-this-name')\nexcept m.PackageNotFoundError as error:\n    print(error)\n"
        + PLUGIN
    ).output

    assert output.splitlines() == [
        f"{version('typing_extensions')} idna",
        "No package metadata was found for nothing-of-this-name",
    ]
