"""A plugin's source becomes one core module: restore, import, check, snapshot, write."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from attrs import field, frozen

from reglet.application.version import __version__
from reglet.infrastructure.atomic import read_bounded, write_atomic
from reglet.infrastructure.build import BuildTimeoutError, OutputError
from reglet.infrastructure.build.import_advice import find_warnings
from reglet.infrastructure.build.plugin_guest import PluginGuest, Snapshots
from reglet.infrastructure.build.project import find_project
from reglet.infrastructure.build.runtime import Runtime
from reglet.infrastructure.build.sources import package_folders
from reglet.infrastructure.engine import run_in_guest_thread
from reglet.infrastructure.runtime import load_product
from reglet.infrastructure.wasm.module import BUILD_SECTION
from reglet.infrastructure.wasm.sections import custom_section
from reglet.infrastructure.wasm.snapshot import without_functions, without_host_functions, write_snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from reglet.infrastructure.build.plugin_guest import ImportEffects
    from reglet.infrastructure.build.project import Project
    from reglet.infrastructure.runtime import RuntimeProduct


T = TypeVar("T")


@frozen
class Stage:
    """A part of a build.

    Attributes:
        name: what is done.
        seconds: how long it took; None while it is under way.
    """

    name: str
    seconds: float | None = None


class Progress(Protocol):
    """Called for each stage twice: when it begins and when it has ended."""

    def __call__(self, stage: Stage) -> None:
        """Take note."""
        ...


def silent(stage: Stage) -> None:
    """Take no note."""
    del stage


class Stages:
    """Times the stages of one build."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self.ended: list[Stage] = []

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Run a stage; one that fails is not reported as ended."""
        self._progress(Stage(name))
        start = time.perf_counter()
        yield
        ended = Stage(name, time.perf_counter() - start)
        self.ended.append(ended)
        self._progress(ended)


def write_output(output: Path | None, name: str, content: bytes) -> Path:
    """Write beside the place and rename; return the place.

    Args:
        output: the file to write, or a folder to write `name` into; the working directory for None.
        name: what to call it where `output` does not.
        content: what to write.

    Raises:
        OutputError: it cannot be written there.
    """
    path = Path.cwd() / name if output is None else output / name if output.is_dir() else output
    try:
        write_atomic(path, content)
    except OSError as error:
        raise OutputError(
            f"cannot write {path}: {error.strerror or error}; choose another place with -o"
        ) from error
    return path


ABI_VERSION = "0.1.1"
"""Of the ABI module whose contract built plugins keep."""


@frozen
class Built:
    """A built plugin, not yet written.

    Attributes:
        name: the plugin's name.
        version: the plugin's version.
        content: the core module.
        warnings: what may not work in a host, each with its fix.
        sources: the files that it was made of, beside the SDK.
        output: what the plugin printed while it was imported.
    """

    name: str
    version: str
    content: bytes = field(repr=False)
    warnings: tuple[str, ...]
    sources: tuple[Path, ...]
    output: str


@frozen
class BuildReport:
    """What was built.

    Attributes:
        path: the file.
        name: the plugin's name.
        version: the plugin's version.
        digest: SHA-256 of the file, in hex.
        size: of the file, in bytes.
        stages: what was done, with seconds.
        warnings: what may not work in a host, each with its fix.
        sources: the files that it was made of, beside the SDK.
        output: what the plugin printed while it was imported.
    """

    path: Path
    name: str
    version: str
    digest: str
    size: int
    stages: tuple[Stage, ...]
    warnings: tuple[str, ...]
    sources: tuple[Path, ...]
    output: str


@frozen
class CheckReport:
    """How a file compares with what its source builds to.

    Attributes:
        equal: whether they are the same bytes.
        digest: SHA-256 of the file, in hex.
        built_digest: SHA-256 of what was built.
        stages: what was done, with seconds.
        warnings: those of the build.
    """

    equal: bool
    digest: str
    built_digest: str
    stages: tuple[Stage, ...]
    warnings: tuple[str, ...]


MOST_SECONDS = 300.0
"""How long a build may take: minutes on a slow machine that has no image yet, some seconds later."""


def within(most_seconds: float, work: Callable[[], T]) -> T:
    """Do the work of a build in a thread for guests.

    Raises:
        BuildTimeoutError: it took too long.
    """
    try:
        return run_in_guest_thread(work, most_seconds)
    except TimeoutError as error:
        raise BuildTimeoutError(
            f"the build did not end within {most_seconds:g} s: is there a loop that does not end at import? "
            "Give it more time with --timeout"
        ) from error


def build_plugin(
    target: Path | str,
    output: Path | None = None,
    *,
    python: Path | None = None,
    progress: Progress = silent,
    most_seconds: float = MOST_SECONDS,
) -> BuildReport:
    """Build the plugin that a target means, and write it.

    Args:
        target: a project folder, a `.py` file or `module:attribute`.
        output: the file to write; the plugin's name with `.wasm` in the working directory when left out.
        python: the interpreter whose packages the plugin may import; the one that runs this when left out.
        progress: called for each stage.
        most_seconds: how long it may take until it is written; a build that takes longer is stopped.

    Raises:
        BuildError: it cannot be built; nothing was written.
        RuntimeProductError: reglet's installation is not whole.
    """
    project = find_project(target)
    stages = Stages(progress)
    built = within(most_seconds, lambda: build_content(project, python, stages))
    with stages.stage("write"):
        path = write_output(output, f"{built.name}.wasm", built.content)
    return BuildReport(
        path=path,
        name=built.name,
        version=built.version,
        digest=hashlib.sha256(built.content).hexdigest(),
        size=len(built.content),
        stages=tuple(stages.ended),
        warnings=built.warnings,
        sources=built.sources,
        output=built.output,
    )


def check_build(
    target: Path | str,
    file: Path,
    *,
    python: Path | None = None,
    progress: Progress = silent,
    most_seconds: float = MOST_SECONDS,
) -> CheckReport:
    """Build a plugin again and compare it with a file.

    Raises:
        BuildError: it cannot be built.
        OSError: the file cannot be read.
    """
    project = find_project(target)
    stages = Stages(progress)
    with file.open("rb") as stream:
        content = read_bounded(stream)
    built = within(most_seconds, lambda: build_content(project, python, stages))
    return CheckReport(
        equal=built.content == content,
        digest=hashlib.sha256(content).hexdigest(),
        built_digest=hashlib.sha256(built.content).hexdigest(),
        stages=tuple(stages.ended),
        warnings=built.warnings,
    )


@frozen
class Described:
    """What a plugin says of itself.

    Attributes:
        name: its name.
        version: its version.
        host_functions: those that its capabilities can use, beside the log.
    """

    name: str
    version: str
    host_functions: tuple[str, ...]


@frozen
class ImportedPlugin:
    """A plugin imported in its guest."""

    product: RuntimeProduct
    guest: PluginGuest
    effects: ImportEffects
    described: Described
    trace: Callable[[], dict[str, str]]
    """Imports the plugin in another guest and returns where it reads the clock and takes random bytes."""


@contextmanager
def imported_plugin(project: Project, python: Path | None, stages: Stages) -> Iterator[ImportedPlugin]:
    """Import a project's plugin in a guest of this thread, which must be one for guests."""
    with stages.stage("prepare"):
        product = load_product()
        packages = package_folders(python)
        snapshots = Snapshots(product, Runtime.of(product.module, product.key))
        snapshots.base()

    def new_guest() -> PluginGuest:
        return PluginGuest(snapshots, project, packages)

    def trace() -> dict[str, str]:
        with new_guest() as another:
            return another.trace()

    with stages.stage("restore"):
        guest = new_guest()
    with guest:
        with stages.stage("import"):
            effects = guest.load()
        with stages.stage("check"):
            report = guest.describe()
            described = Described(report["name"], report["version"], tuple(report["host_functions"]))
        yield ImportedPlugin(product, guest, effects, described, trace)


def build_content(project: Project, python: Path | None, stages: Stages) -> Built:
    """Build a project in this thread, which must be one for guests."""
    with imported_plugin(project, python, stages) as imported:
        guest = imported.guest
        absent = guest.absent_submodules()
        with stages.stage("snapshot"):
            content, modules = _snapshot(imported)
        return Built(
            name=imported.described.name,
            version=imported.described.version,
            content=content,
            warnings=tuple(find_warnings(guest, imported.effects, modules, absent, imported.trace)),
            sources=tuple(each.path for each in guest.sources),
            output=guest.output,
        )


def _snapshot(imported: ImportedPlugin) -> tuple[bytes, list[str]]:
    product, usable = imported.product, imported.described.host_functions
    slots = product.module.host_functions
    dropped = sorted(set(slots) - set(usable))
    memory, modules = imported.guest.memory(sum(1 << slots[name].bit for name in usable))
    exports = {"memory", *product.plugin_exports}
    code = without_host_functions(product.module.wasm, slots, dropped)
    module = write_snapshot(without_functions(code, product.module.startup), memory, exports)
    facts = {"abi": ABI_VERSION, "modules": modules, "runtime": product.key, "sdk": __version__}
    content = json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()
    return module + custom_section(BUILD_SECTION, content), modules
