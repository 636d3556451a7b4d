"""A plugin's source becomes one core module: restore, import, check, snapshot, write.

Or a component, by componentize-py, for hosts of the component model.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from attrs import field, frozen

from reglet.application import __version__
from reglet.infrastructure.atomic import read_bounded, write_atomic
from reglet.infrastructure.build import BuildTimeoutError, OutputError, PluginImportError
from reglet.infrastructure.build.import_advice import find_warnings
from reglet.infrastructure.build.plugin_guest import PACKAGE, PluginGuest, Snapshots
from reglet.infrastructure.build.project import find_project
from reglet.infrastructure.build.runtime import Runtime
from reglet.infrastructure.build.sources import package_folders
from reglet.infrastructure.engine import run_in_guest_thread
from reglet.infrastructure.extras import MissingPackageError
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
        product, guest, described = imported.product, imported.guest, imported.described
        absences = guest.absences()
        with stages.stage("snapshot"):
            slots = product.module.host_functions
            sealed = guest.memory(sum(1 << slots[name].bit for name in described.host_functions))
            dropped = sorted(set(slots) - set(described.host_functions))
            code = without_host_functions(product.module.wasm, slots, dropped)
            code = without_functions(code, product.module.left_out(sealed.unused))
            module = write_snapshot(code, sealed.memory, {"memory", *product.plugin_exports})
            facts = {
                "abi": ABI_VERSION,
                "modules": sealed.modules,
                "runtime": product.key,
                "sdk": __version__,
            }
            written = json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()
        return Built(
            name=described.name,
            version=described.version,
            content=module + custom_section(BUILD_SECTION, written),
            warnings=tuple(find_warnings(guest, imported.effects, sealed.modules, absences, imported.trace)),
            sources=tuple(each.path for each in guest.sources),
            output=guest.output,
        )


_WIT = PACKAGE / "infrastructure" / "guest" / "wit"
_APP = "reglet_component_app"
_APP_SOURCE = """\
from reglet.infrastructure.guest.component import world_of

WitWorld = world_of({module!r}, {attribute!r}, {version!r})
"""
_COMPONENTIZE = "import sys; from componentize_py import script; sys.exit(script())"
_MOST_LINES = 40


def build_component(
    target: Path | str,
    output: Path | None = None,
    *,
    python: Path | None = None,
    progress: Progress = silent,
    most_seconds: float = MOST_SECONDS,
) -> BuildReport:
    """Build the plugin that a target means as a component, and write it.

    It is imported first as for a core module, so that what is wrong with it is said in the same words.
    Unlike a core module, two builds are not the same bytes.

    Raises:
        BuildError: it cannot be built; nothing was written.
        MissingPackageError: componentize-py is not installed.
        RuntimeProductError: reglet's installation is not whole.
    """
    if find_spec("componentize_py") is None:
        raise MissingPackageError("componentize-py", "component")
    project = find_project(target)
    stages = Stages(progress)

    def described() -> Described:
        with imported_plugin(project, python, stages) as imported:
            return imported.described

    plugin = within(most_seconds, described)
    with stages.stage("componentize"):
        content = _componentized(project, python, most_seconds)
    with stages.stage("write"):
        path = write_output(output, f"{plugin.name}.component.wasm", content)
    return BuildReport(
        path=path,
        name=plugin.name,
        version=plugin.version,
        digest=hashlib.sha256(content).hexdigest(),
        size=len(content),
        stages=tuple(stages.ended),
        warnings=(),
        sources=(),
        output="",
    )


def _componentized(project: Project, python: Path | None, most_seconds: float) -> bytes:
    with tempfile.TemporaryDirectory(prefix="reglet-component-") as name:
        folder = Path(name)
        source = _APP_SOURCE.format(
            module=project.module, attribute=project.attribute, version=project.version
        )
        (folder / f"{_APP}.py").write_text(source, encoding="utf-8")
        made = folder / "component.wasm"
        paths = [folder, *project.roots, PACKAGE.parent, *package_folders(python)]
        command = [sys.executable, "-c", _COMPONENTIZE, "-q", "-d", str(_WIT), "-w", "plugin", "componentize"]
        command += [option for path in paths for option in ("-p", str(path))]
        command += ["-o", str(made), _APP]
        try:
            done = subprocess.run(  # noqa: S603 - our own interpreter
                command, cwd=folder, capture_output=True, check=False, text=True, timeout=most_seconds
            )
        except subprocess.TimeoutExpired as error:
            raise BuildTimeoutError(
                f"componentize-py did not end within {most_seconds:g} s: give it more time with --timeout"
            ) from error
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines()
            cause = next((line for line in reversed(said) if "Error" in line), f"status {done.returncode}")
            traceback = "\n".join(said[-_MOST_LINES:])
            raise PluginImportError(f"componentize-py failed: {cause.strip()}", traceback)
        return made.read_bytes()
