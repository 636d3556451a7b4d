"""`--grants ask|declared|none|@FILE`: what a run may reach; and grants in words."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reglet.cli.command import UsageError
from reglet.cli.console import messages
from reglet.domain.entities.grants import GrantSet, assess_risk
from reglet.domain.errors import WireFormatError

if TYPE_CHECKING:
    from reglet.cli.targets import LoadedPlugin
    from reglet.domain.entities.manifest import Manifest
    from reglet.infrastructure.host.grant_store import GrantStore


def capability_lines(grants: GrantSet) -> list[str]:
    """Return each rule of a grant set as one line, in the order of its kinds."""
    lines = [
        f"network {', '.join(rule.hosts)} on {', '.join(rule.ports)}"
        for rule in (grants.network.rules if grants.network else ())
    ]
    for files in grants.fs.rules if grants.fs else ():
        access = {"read": files.read, "write": files.write}
        lines += [f"{kind} {', '.join(paths)}" for kind, paths in access.items() if paths]
    if grants.env and grants.env.vars:
        lines.append(f"variables {', '.join(grants.env.vars)}")
    if grants.exec and grants.exec.commands:
        lines.append(f"commands {', '.join(grants.exec.commands)}")
    for keys in grants.kv.rules if grants.kv else ():
        lines.append(f"{keys.op} keys {', '.join(keys.keys)}")
    return lines


def show_plugin(manifest: Manifest) -> None:
    """Say on stderr, in two lines, which plugin this is and what it declares."""
    declared = "; ".join(capability_lines(manifest.capabilities)) or "nothing"
    sys.stderr.write(f"{manifest.name} {manifest.version} {manifest.description}\ndeclares {declared}\n")


def single_rules(grants: GrantSet) -> list[GrantSet]:
    """Return a grant set for each rule, so that each can be asked about alone."""
    from attrs import evolve

    network = (
        [GrantSet(network=evolve(grants.network, rules=[r])) for r in grants.network.rules]
        if grants.network
        else []
    )
    files = [GrantSet(fs=evolve(grants.fs, rules=[r])) for r in grants.fs.rules] if grants.fs else []
    variables = [GrantSet(env=evolve(grants.env, vars=[v])) for v in grants.env.vars] if grants.env else []
    commands = (
        [GrantSet(exec=evolve(grants.exec, commands=[c])) for c in grants.exec.commands]
        if grants.exec
        else []
    )
    keys = [GrantSet(kv=evolve(grants.kv, rules=[r])) for r in grants.kv.rules] if grants.kv else []
    return [*network, *files, *variables, *commands, *keys]


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


def choose_grants(argument: str | None, manifest: Manifest, plugin: LoadedPlugin) -> GrantSet:
    """Return the grants that the argument stands for.

    Raises:
        UsageError: the argument is none of the four, or its file cannot be read.
    """
    default = "ask" if sys.stdin.isatty() and sys.stderr.isatty() else "none"
    match argument or default:
        case "declared":
            return manifest.capabilities
        case "none":
            return GrantSet()
        case "ask":
            return _ask(manifest, plugin.digest)
        case path if path.startswith("@"):
            return _from_file(Path(path[1:]))
        case other:
            raise UsageError(f"--grants {other}: use ask, declared, none or @FILE")


def _from_file(path: Path) -> GrantSet:
    from reglet.infrastructure.wire.go_json import decode_json
    from reglet.infrastructure.wire.manifest import GRANTS

    try:
        content = path.read_bytes()
        grants = GRANTS.decode(content)
    except OSError as error:
        raise UsageError(f"--grants @{path}: {error.strerror}") from error
    except WireFormatError as error:
        raise UsageError(f"--grants @{path}: {error}") from error
    for where, key, known in _unknown(decode_json(content, "GrantSet")):
        raise UsageError(f"--grants @{path}: there is no {key!r} in {where}; use {', '.join(known)}")
    return grants


def _unknown(content: Any) -> Iterator[tuple[str, str, Iterable[str]]]:
    """Yield each key that means nothing: a misspelt one would grant less than was meant, in silence."""
    for kind, capability in (content or {}).items():
        if kind not in _KINDS:
            yield "a grant set", kind, _KINDS
            continue
        for name, entries in (capability or {}).items():
            if name not in _KINDS[kind]:
                yield kind, name, _KINDS[kind]
                continue
            known = _KINDS[kind][name]
            for rule in filter(None, (entries or ()) if known else ()):
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
    try:
        answer = Prompt.ask(question, console=messages(), choices=["run", "always", "no"], default="no")
    except EOFError:
        answer = "no"
    if answer == "always":
        store.remember(digest, rule)
    return answer != "no"
