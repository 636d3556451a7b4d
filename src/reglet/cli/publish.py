"""`package`, `push`, `pull` and `index`: plugins in OCI registries."""

from __future__ import annotations

import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reglet.cli.arguments import is_module, load_module, manifest_of
from reglet.cli.command import FILE, Command, ExitStatus, UsageError, require_extra
from reglet.cli.console import write_file, write_line, write_message, write_warning

if TYPE_CHECKING:
    from reglet.infrastructure.registry.artifact import Artifact

_LATEST = "latest"


def _artifact_arguments(command: Any) -> Any:
    """Add what `artifact_of` takes to a command."""
    for add in (
        click.option(
            "--annotation",
            "annotations",
            multiple=True,
            metavar="NAME=VALUE",
            help="An annotation of the artifact, in place of what the project says; may be given again.",
        ),
        click.option("--python", type=FILE, metavar="PATH", help="Take dependencies from this interpreter."),
        click.argument("target", default=".", metavar="[TARGET]"),
    ):
        command = add(command)
    return command


@click.command(cls=Command)
@_artifact_arguments
@click.option(
    "-o",
    "--output",
    type=FILE,
    metavar="PATH",
    help="A folder, or a file whose name ends in .tar (default: NAME-VERSION.oci).",
)
def package(target: str, python: Path | None, annotations: tuple[str, ...], output: Path | None) -> int:
    """Make an OCI layout of a plugin.

    TARGET is a .wasm file, an OCI layout, or a project folder, .py file or module:attribute, which is built.
    """
    require_extra("build", "package")
    from reglet.infrastructure.registry import tag_of_version
    from reglet.infrastructure.registry.layout import write_layout

    artifact = artifact_of(target, python, annotations)
    metadata = artifact.metadata
    path = output or Path(f"{metadata.name}-{tag_of_version(metadata.version)}.oci")
    try:
        write_layout(artifact, path)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}; choose another place with -o") from error
    write_line(str(path))
    write_line(artifact.digest)
    return ExitStatus.SUCCESS


def artifact_of(target: str, python: Path | None, annotations: tuple[str, ...]) -> Artifact:
    """Return the artifact that the arguments of a command name; a project is built first.

    Raises:
        UsageError: an annotation has no name, or a layout gets annotations.
        RegletError: it cannot be built or read.
    """
    from reglet.infrastructure.registry.artifact import CREATED, annotations_of_project, make_artifact
    from reglet.infrastructure.registry.layout import is_layout, read_layout

    named: dict[str, str] = {}
    for annotation in annotations:
        name, equals, value = annotation.partition("=")
        if not name or not equals:
            raise UsageError(
                f"--annotation {annotation} has no name and value: write it as "
                "org.opencontainers.image.source=https://…"
            )
        named[name] = value
    if is_layout(Path(target)):
        if named:
            raise UsageError(f"{target} is packaged already: give --annotation to `package`")
        return read_layout(Path(target))
    if is_module(target):
        plugin = load_module(target)
        return make_artifact(plugin.content, plugin.manifest(), named)
    from reglet.infrastructure.build.build import build_plugin
    from reglet.infrastructure.build.project import find_project

    known = {**annotations_of_project(find_project(target).folder), **named}
    if CREATED not in known:
        write_warning(
            "the artifact has no time of creation: set SOURCE_DATE_EPOCH, or commit the project to git"
        )
    with tempfile.TemporaryDirectory() as folder:
        report = build_plugin(target, Path(folder) / "plugin.wasm", python=python)
        for warning in report.warnings:
            write_warning(warning)
        plugin = load_module(str(report.path))
        return make_artifact(plugin.content, plugin.manifest(), known)


@click.command(cls=Command)
@click.argument("reference", metavar="REFERENCE")
@_artifact_arguments
@click.option("--latest", is_flag=True, help="Let the tag latest mean it too, which short names stand for.")
def push(reference: str, target: str, python: Path | None, annotations: tuple[str, ...], latest: bool) -> int:
    """Send a plugin to a registry.

    REFERENCE is registry/org/repo/name:tag; the plugin's version is the tag if it is left out. TARGET is what
    `package` takes.
    """
    require_extra("registry", "push")
    from reglet.infrastructure.registry import FORM, parse_reference, tag_of_version
    from reglet.infrastructure.registry.client import RegistryClient

    goal = parse_reference(reference, version_required=False)
    if goal.digest:
        raise UsageError(f"{goal}: a push gives a name to what it sends, so leave out @{goal.digest}")
    artifact = artifact_of(target, python, annotations)
    metadata = artifact.metadata
    goal = goal if goal.tag else goal.with_tag(tag_of_version(metadata.version))
    if not goal.is_installable:
        write_warning(f"hosts that install plugins want {FORM}")
    if goal.name != metadata.name:
        write_warning(f"the reference is named {goal.name}, the plugin {metadata.name}")
    if goal.tag not in {tag_of_version(metadata.version), _LATEST}:
        write_warning(f"the tag is {goal.tag}, the plugin's version {metadata.version}")
    tags = dict.fromkeys([goal.tag, _LATEST] if latest else [goal.tag])
    with RegistryClient(goal) as client:
        client.push(artifact, tuple(tags))
    for tag in tags:
        write_line(str(goal.with_tag(tag)))
    write_line(artifact.digest)
    return ExitStatus.SUCCESS


@click.command(cls=Command)
@click.argument("reference", metavar="REFERENCE")
@click.option(
    "-o", "--output", type=FILE, metavar="FILE", help="Where to write the module (default: NAME.wasm)."
)
@click.option(
    "--lock",
    type=FILE,
    metavar="FILE",
    help="A reglet.lock that gets the plugin's entry; status 1 if the reference meant other bytes before.",
)
@click.option("--update", is_flag=True, help="With --lock: let the entry mean the new bytes.")
def pull(reference: str, output: Path | None, lock: Path | None, update: bool) -> int:
    """Fetch a plugin from a registry.

    REFERENCE is registry/org/repo/name:tag, or registry/org/repo/name@sha256:…
    """
    require_extra("registry", "pull")
    if update and lock is None:
        raise UsageError("--update changes an entry of a lock file: name it with --lock reglet.lock")
    from reglet.infrastructure.registry import parse_reference
    from reglet.infrastructure.registry.artifact import check_name, digest_of
    from reglet.infrastructure.registry.store import LockedPlugin, Lockfile, MovedTagError, pull_artifact

    source = parse_reference(reference)
    lockfile = Lockfile.load(lock) if lock else None
    artifact = pull_artifact(source)
    metadata = artifact.metadata
    locked = LockedPlugin.of(artifact, source)
    try:
        if lockfile is not None and not update:
            lockfile.check(metadata.name, locked)
    except MovedTagError as moved:
        write_line(f"{moved}; --update takes it")
        return ExitStatus.FAILURE
    path = Path() if output is None else output
    if path.is_dir():
        path /= f"{check_name(source.name)}.wasm"
    write_file(path, artifact.module)
    if lock and lockfile and not lockfile.has(metadata.name, locked):
        write_file(lock, lockfile.with_plugin(metadata.name, locked).encode())
    write_message(f"{metadata.name} {metadata.version} {metadata.description}")
    write_message(artifact.digest)
    write_line(str(path))
    write_line(digest_of(artifact.module))
    return ExitStatus.SUCCESS


@click.command(cls=Command)
@click.argument("folder", type=FILE, default=".", metavar="[FOLDER]")
@click.option(
    "--registry",
    required=True,
    metavar="REGISTRY/ORG/REPO",
    help="What precedes a plugin's name in its reference.",
)
@click.option("--repository", metavar="URL", help="The source (default: what git calls origin).")
@click.option("-o", "--output", type=FILE, metavar="FILE", help="Where to write it (default: stdout).")
def index(folder: Path, registry: str, repository: str | None, output: Path | None) -> int:
    """List a folder's plugins for hosts.

    FOLDER holds plugin projects, .wasm files and OCI layouts (default: the working directory).
    """
    from reglet.domain.time import format_time
    from reglet.infrastructure.build.project import is_plugin_project
    from reglet.infrastructure.registry.artifact import Metadata, created, source_url
    from reglet.infrastructure.registry.layout import encode_index, is_layout, read_layout

    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise UsageError(f"{folder}: {error.strerror}") from error
    plugins = []
    for entry in entries:
        if is_layout(entry):
            plugins.append(read_layout(entry).metadata)
        elif (is_module(str(entry)) and entry.is_file()) or is_plugin_project(entry):
            plugins.append(Metadata.of(manifest_of(str(entry))))
    if not plugins:
        raise UsageError(f"{folder} has no plugin: name a folder of projects, .wasm files or OCI layouts")
    now = format_time(datetime.now(UTC).replace(microsecond=0))
    content = encode_index(
        plugins,
        repository=repository or source_url(folder),
        registry=registry,
        updated=created(folder) or now,
    )
    if output is None:
        sys.stdout.write(content.decode())
    else:
        write_file(output, content)
    return ExitStatus.SUCCESS
