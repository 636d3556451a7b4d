"""`--example NAME`: an operation's example in place of a config."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from reglet.cli.errors import UsageError
from reglet.cli.places import InProcess

if TYPE_CHECKING:
    from reglet.cli.places import Place
    from reglet.domain.entities.manifest import ExampleManifest, Manifest
    from reglet.testing.examples import ExampleCase


def add_example_argument(parser: argparse.ArgumentParser) -> None:
    """Add `--example` to a command."""
    parser.add_argument(
        "--example",
        metavar="NAME",
        help="run the example of this name: in process against its own answers if it has any, "
        "else with its config",
    )


def example_with_answers(place: Place, name: str) -> ExampleCase | None:
    """Return the example of a plugin in process that brings its own world; a module's have none."""
    if not isinstance(place, InProcess):
        return None
    from reglet.testing.examples import examples_of

    found = [case for case in examples_of(place.plugin) if case.name == name and case.answers]
    return found[0] if len(found) == 1 else None


def example_config(manifest: Manifest, name: str) -> bytes:
    """Return the config of an example, with its service and operation.

    Raises:
        UsageError: no example, or more than one, has this name; the text lists those there are.
    """
    service, operation, example = _only(manifest, name)
    return json.dumps(
        {**example.input, "service": service, "operation": operation}, ensure_ascii=False
    ).encode()


def _only(manifest: Manifest, name: str) -> tuple[str, str, ExampleManifest]:
    every = [
        (service.name, operation.name, example)
        for service in manifest.services.values()
        for operation in service.operations
        for example in operation.examples
    ]
    found = [triple for triple in every if triple[2].name == name]
    if len(found) == 1:
        return found[0]
    names = ", ".join(example.name for _, _, example in every) or "none"
    how = "several operations have an example of" if found else "no example has"
    raise UsageError(f"--example {name}: {how} this name; there are: {names}")
