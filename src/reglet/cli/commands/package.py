"""`package [TARGET]`: a plugin as an OCI layout, ready for any tool that pushes one."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from reglet.cli.command import Command, ExitStatus, UsageError, require_extra
from reglet.cli.console import messages
from reglet.cli.targets import is_module, manifest_of, module_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reglet.infrastructure.registry.artifact import Artifact


def add_artifact_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `artifact_of` takes to a command."""
    parser.add_argument(
        "target",
        metavar="TARGET",
        nargs="?",
        default=".",
        help="a project folder, a .py file or module:attribute, which is built; a .wasm file, or an OCI "
        "layout (default: .)",
    )
    parser.add_argument("--python", type=Path, metavar="PATH", help="take dependencies from this interpreter")
    parser.add_argument(
        "--annotation",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an annotation of the artifact, in place of what the project says; may be given again",
    )


def _configure(parser: argparse.ArgumentParser) -> None:
    add_artifact_arguments(parser)
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="PATH",
        help="a folder, or a file whose name ends in .tar (default: NAME-VERSION.oci)",
    )


def _run(options: argparse.Namespace) -> int:
    require_extra("build", "package")
    from reglet.infrastructure.registry.artifact import write_layout
    from reglet.infrastructure.registry.reference import tag_of_version

    artifact = artifact_of(options)
    metadata = artifact.metadata
    path = options.output or Path(f"{metadata.name}-{tag_of_version(metadata.version)}.oci")
    try:
        write_layout(artifact, path)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}; choose another place with -o") from error
    sys.stdout.write(f"{path}\n{artifact.digest}\n")
    return ExitStatus.SUCCESS


def artifact_of(options: argparse.Namespace) -> Artifact:
    """Return the artifact that the arguments of a command name; a project is built first.

    Raises:
        UsageError: an annotation has no name, or a layout gets annotations.
        RegletError: it cannot be built or read.
    """
    from reglet.infrastructure.registry.artifact import is_layout, make_artifact, read_layout

    annotations = _annotations(options.annotation)
    if is_layout(Path(options.target)):
        if annotations:
            raise UsageError(f"{options.target} is packaged already: give --annotation to `package`")
        return read_layout(Path(options.target))
    if is_module(options.target):
        path = module_path(options.target)
        return make_artifact(path.read_bytes(), manifest_of(options.target), annotations)
    return _built_artifact(options, annotations)


def _built_artifact(options: argparse.Namespace, annotations: Mapping[str, str]) -> Artifact:
    from reglet.infrastructure.build.build import build_plugin
    from reglet.infrastructure.build.project import find_project
    from reglet.infrastructure.registry.artifact import CREATED, annotations_of_project, make_artifact

    known = {**annotations_of_project(find_project(options.target).folder), **annotations}
    if CREATED not in known:
        _warn("the artifact has no time of creation: set SOURCE_DATE_EPOCH, or commit the project to git")
    with tempfile.TemporaryDirectory() as folder:
        report = build_plugin(options.target, Path(folder) / "plugin.wasm", python=options.python)
        for warning in report.warnings:
            _warn(warning)
        return make_artifact(report.path.read_bytes(), manifest_of(str(report.path)), known)


def _annotations(arguments: list[str]) -> dict[str, str]:
    pairs = [argument.partition("=") for argument in arguments]
    for name, equals, value in pairs:
        if not name or not equals:
            raise UsageError(
                f"--annotation {name}{equals}{value} has no name and value: write it as "
                "org.opencontainers.image.source=https://…"
            )
    return {name: value for name, _, value in pairs}


def _warn(text: str) -> None:
    messages().print(f"warning: {text}", style="yellow", markup=False, soft_wrap=True)


COMMAND = Command("package", "make an OCI layout of a plugin", _configure, _run)
