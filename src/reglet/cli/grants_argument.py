"""`--grants ask|declared|none|@FILE`: what a run may reach."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reglet.cli.console import messages
from reglet.cli.errors import UsageError
from reglet.cli.grants_text import capability_lines, single_rules
from reglet.domain.entities.grants import GrantSet
from reglet.domain.entities.risk import assess_risk
from reglet.domain.errors import WireFormatError

if TYPE_CHECKING:
    from reglet.cli.places import Place
    from reglet.domain.entities.manifest import Manifest
    from reglet.infrastructure.host.grant_store import GrantStore

_KINDS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "network": {"rules": ("hosts", "ports")},
    "fs": {"rules": ("read", "write")},
    "env": {"vars": ()},
    "exec": {"commands": ()},
    "kv": {"rules": ("op", "keys")},
}
"""What a grants file may hold: kinds, the list of each, and the keys of a rule in it."""


def add_grants_argument(parser: argparse.ArgumentParser) -> None:
    """Add `--grants` to a command."""
    parser.add_argument(
        "--grants",
        metavar="ask|declared|none|@FILE",
        help="what the run may reach: ask about each rule (the default on a terminal), all that the plugin "
        "declares, nothing (the default elsewhere), or the grants in a JSON file",
    )


def choose_grants(argument: str | None, manifest: Manifest, place: Place) -> GrantSet:
    """Return the grants that the argument stands for.

    Raises:
        UsageError: the argument is none of the four, or its file cannot be read.
    """
    match argument or _default():
        case "declared":
            return manifest.capabilities
        case "none":
            return GrantSet()
        case "ask":
            return _ask(manifest, place.digest)
        case path if path.startswith("@"):
            return _from_file(Path(path[1:]))
        case other:
            raise UsageError(f"--grants {other}: use ask, declared, none or @FILE")


def _default() -> str:
    return "ask" if sys.stdin.isatty() and sys.stderr.isatty() else "none"


def _from_file(path: Path) -> GrantSet:
    from reglet.infrastructure.wire.manifest import GRANTS

    try:
        content = path.read_bytes()
        grants = GRANTS.decode(content)
    except OSError as error:
        raise UsageError(f"--grants @{path}: {error.strerror}") from error
    except WireFormatError as error:
        raise UsageError(f"--grants @{path}: {error}") from error
    for place, key, known in _unknown(json.loads(content)):
        raise UsageError(f"--grants @{path}: there is no {key!r} in {place}; use {', '.join(known)}")
    return grants


def _unknown(content: Mapping[str, Any]) -> Iterator[tuple[str, str, Iterable[str]]]:
    """Yield each key that means nothing: a misspelt one would grant less than was meant, in silence."""
    for kind, capability in content.items():
        if kind not in _KINDS:
            yield "a grant set", kind, _KINDS
            continue
        for name, entries in (capability or {}).items():
            if name not in _KINDS[kind]:
                yield kind, name, _KINDS[kind]
                continue
            known = _KINDS[kind][name]
            for rule in entries if known else ():
                yield from ((f"a rule of {kind}", key, known) for key in rule if key not in known)


def _ask(manifest: Manifest, digest: str) -> GrantSet:
    """Ask about each declared rule that was not granted for always before."""
    from reglet.infrastructure.host.grant_store import GrantStore

    store = GrantStore()
    granted = store.load(digest)
    for rule in single_rules(manifest.capabilities.difference(granted)):
        if _allowed(rule, store, digest):
            granted = granted.merge(rule)
    return granted


def _allowed(rule: GrantSet, store: GrantStore, digest: str) -> bool:
    from rich.prompt import Prompt

    risk = assess_risk(rule).level.name.lower()
    question = f"Allow {capability_lines(rule)[0]}? (risk: {risk})"
    answer = Prompt.ask(question, console=messages(), choices=["run", "always", "no"], default="no")
    if answer == "always":
        store.remember(digest, rule)
    return answer != "no"
