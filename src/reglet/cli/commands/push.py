"""`push REFERENCE [TARGET]`: a plugin sent to an OCI registry, from which Reglet hosts install it."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from reglet.cli.command import Command, ExitStatus, UsageError, require_extra
from reglet.cli.commands.package import add_artifact_arguments, artifact_of
from reglet.cli.console import messages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reglet.infrastructure.registry.artifact import Metadata
    from reglet.infrastructure.registry.reference import Reference

_LATEST = "latest"


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "reference",
        metavar="REFERENCE",
        help="registry/org/repo/name:tag; the plugin's version is the tag if it is left out",
    )
    add_artifact_arguments(parser)
    parser.add_argument(
        "--latest", action="store_true", help="let the tag latest mean it too, which short names stand for"
    )


def _run(options: argparse.Namespace) -> int:
    require_extra("registry", "push")
    from reglet.infrastructure.registry.client import RegistryClient
    from reglet.infrastructure.registry.reference import parse_reference, tag_of_version

    reference = parse_reference(options.reference, version_required=False)
    if reference.digest:
        raise UsageError(
            f"{reference}: a push gives a name to what it sends, so leave out @{reference.digest}"
        )
    artifact = artifact_of(options)
    metadata = artifact.metadata
    reference = reference if reference.tag else reference.with_tag(tag_of_version(metadata.version))
    for warning in _doubts(reference, metadata):
        messages().print(f"warning: {warning}", style="yellow", markup=False, soft_wrap=True)
    tags = dict.fromkeys([reference.tag, _LATEST] if options.latest else [reference.tag])
    with RegistryClient(reference) as client:
        client.push(artifact, tuple(tags))
    sys.stdout.write("".join(f"{reference.with_tag(tag)}\n" for tag in tags) + f"{artifact.digest}\n")
    return ExitStatus.SUCCESS


def _doubts(reference: Reference, metadata: Metadata) -> Iterator[str]:
    """Give what will surprise whoever installs the plugin."""
    from reglet.infrastructure.registry.reference import FORM, tag_of_version

    if not reference.is_installable:
        yield f"hosts that install plugins want {FORM}"
    if reference.name != metadata.name:
        yield f"the reference is named {reference.name}, the plugin {metadata.name}"
    if reference.tag not in {tag_of_version(metadata.version), _LATEST}:
        yield f"the tag is {reference.tag}, the plugin's version {metadata.version}"


COMMAND = Command("push", "send a plugin to a registry", _configure, _run)
