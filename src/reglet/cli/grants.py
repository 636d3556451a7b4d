"""`--grants ask|declared|none|@FILE`: what a run may reach; and `grants`: what is kept, and revoking it."""

from __future__ import annotations

import hashlib
import json
import sys
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reglet.cli.arguments import LoadedPlugin, decode_document, language_of, read_file
from reglet.cli.command import Command, Context, ExitStatus, UsageError, json_option, require_extra
from reglet.cli.console import write_line, write_message, write_warning
from reglet.domain.entities.grants import (
    EnvironmentCapability,
    ExecCapability,
    FileSystemCapability,
    FileSystemRule,
    GrantSet,
    KeyValueCapability,
    NetworkCapability,
    NetworkRule,
)
from reglet.domain.errors import WireFormatError
from reglet.domain.escaping import quoted

if TYPE_CHECKING:
    from reglet.domain.entities.manifest import Manifest


def capability_lines(grants: GrantSet) -> list[str]:
    """Return each rule of a grant set as one line, in the order of its kinds; what is not plain is quoted."""

    def words(values: Iterable[str]) -> str:
        return ", ".join(map(quoted, values))

    lines = [
        f"network {words(rule.hosts)} on {words(rule.ports)}"
        for rule in (grants.network.rules if grants.network else ())
    ]
    for files in grants.fs.rules if grants.fs else ():
        access = {"read": files.read, "write": files.write}
        lines += [f"{kind} {words(paths)}" for kind, paths in access.items() if paths]
    if grants.env and grants.env.vars:
        lines.append(f"variables {words(grants.env.vars)}")
    if grants.exec and grants.exec.commands:
        lines.append(f"commands {words(grants.exec.commands)}")
    for keys in grants.kv.rules if grants.kv else ():
        lines.append(f"{quoted(keys.op)} keys {words(keys.keys)}")
    return lines


def single_rules(grants: GrantSet) -> list[GrantSet]:
    """Return a grant set for each line of `capability_lines` that can be asked about alone.

    A rule of files is one for what it reads and one for what it writes.
    """
    network = grants.network.rules if grants.network else ()
    parts = [GrantSet(network=NetworkCapability([rule])) for rule in network]
    for rule in grants.fs.rules if grants.fs else ():
        either = (FileSystemRule(read=rule.read), FileSystemRule(write=rule.write))
        parts += [GrantSet(fs=FileSystemCapability([part])) for part in either if part.read or part.write]
    parts += [GrantSet(env=EnvironmentCapability([v])) for v in (grants.env.vars if grants.env else ())]
    parts += [GrantSet(exec=ExecCapability([c])) for c in (grants.exec.commands if grants.exec else ())]
    keys = grants.kv.rules if grants.kv else ()
    return parts + [GrantSet(kv=KeyValueCapability([rule])) for rule in keys]


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
        case other if not other.startswith("@"):
            raise UsageError(f"--grants {other}: use ask, declared, none or @FILE")
    from reglet.domain.policy import Policy
    from reglet.infrastructure.wire.exports import GRANTS

    option = f"--grants {argument}"
    path = Path(option.partition("@")[2])
    content = read_file(path, option).removeprefix(BOM_UTF8)
    content = content.decode(errors="replace").encode()  # as Go reads what is no UTF-8
    document = decode_document(content, f"{option}: the file", language_of(path))
    for mistake in _mistakes(document):
        raise UsageError(f"{option}: {mistake}")
    try:
        granted = GRANTS.decode(
            content if language_of(path) == "JSON" else json.dumps(document, default=str).encode()
        )
    except WireFormatError as error:
        raise UsageError(f"{option}: {error}") from error
    for mistake in Policy(granted).errors:
        write_warning(f"{option}: {mistake}; it grants nothing")
    for index, rule in enumerate(granted.network.rules if granted.network else ()):
        if not (rule.hosts and rule.ports):
            missing = 'hosts such as ["example.com"]' if not rule.hosts else 'ports such as ["443"]'
            write_warning(f"{option}: network.rules[{index}] grants nothing without {missing}")
    return granted


_KINDS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "network": {"rules": ("hosts", "ports")},
    "fs": {"rules": ("read", "write")},
    "env": {"vars": ()},
    "exec": {"commands": ()},
    "kv": {"rules": ("op", "keys")},
}
"""What a grants file may hold: kinds, the list of each, and the keys of a rule in it."""


def _mistakes(document: Any) -> Iterator[str]:
    """Yield what can never be meant: a port as a number, a URL for a host, a key that means nothing.

    A misspelt key would grant less than was meant, in silence.
    """
    for kind, capability in _members(document):
        if kind not in _KINDS:
            yield f"there is no {kind!r} in a grant set; use {', '.join(_KINDS)}"
            continue
        for name, entries in _members(capability):
            if name not in _KINDS[kind]:
                yield f"there is no {name!r} in {kind}; use {', '.join(_KINDS[kind])}"
                continue
            known = _KINDS[kind][name]
            for rule in entries if known and isinstance(entries, list) else ():
                unknown = (key for key, _ in _members(rule) if key not in known)
                yield from (
                    f"there is no {key!r} in a rule of {kind}; use {', '.join(known)}" for key in unknown
                )
    rules = dict(_members(dict(_members(document)).get("network"))).get("rules")
    for index, rule in enumerate(rules if isinstance(rules, list) else ()):
        where, members = f"network.rules[{index}]", dict(_members(rule))
        ports, hosts = (
            each if isinstance(each := members.get(key), list) else () for key in ("ports", "hosts")
        )
        for port in (each for each in ports if type(each) is int):
            yield f'{where}.ports has the number {port}: write a string, ["{port}"]'
        for host in (each for each in hosts if isinstance(each, str) and "://" in each):
            name = host.partition("://")[2].partition("/")[0].rpartition("@")[2].partition(":")[0]
            yield f"{where}.hosts has the URL {host}: write its host alone, {json.dumps([name])}"


def _members(value: Any) -> Iterable[tuple[str, Any]]:
    return value.items() if isinstance(value, dict) else ()


_ANSWERS = {"y": "yes", "yes": "yes", "n": "no", "no": "no", "a": "always", "always": "always", "": "no"}


def _ask(manifest: Manifest, digest: str) -> GrantSet:
    """Ask about each declared rule that was not granted for always before: one rule a line, with its risk.

    What the plugin wrote stands quoted on a line of its own; the question is ours alone.
    """
    from reglet.domain.policy.risk import assess_risk
    from reglet.infrastructure.host.grant_store import GrantStore

    store = GrantStore()
    granted = store.load(digest)
    for rule in single_rules(manifest.capabilities):
        if granted.contains(rule):
            continue
        risk = assess_risk(rule).level.name.lower()
        for line in capability_lines(rule):
            write_message(f"Allow {line} (risk: {risk})", "      ", bold=True)
        answer = None
        while answer is None:
            sys.stderr.write("  yes for this run, always, or no? [y/a/N] ")
            sys.stderr.flush()
            if not (typed := sys.stdin.readline()):
                sys.stderr.write("\n")  # the end of the input is no
            answer = _ANSWERS.get(typed.strip().lower())
            if answer is None:
                write_message("please answer y, a or n")
        if answer == "always":
            store.remember(digest, rule, f"{manifest.name} {manifest.version}")
            write_message(
                "kept; `reglet-plugin grants list` shows it and `grants revoke` takes it back", dim=True
            )
        if answer != "no":
            granted = granted.merge(rule)
    return granted


def denied_grants(required: str) -> GrantSet:
    """Return the least grants that would have allowed what a policy calls missing, as `network:HOST:PORT`."""
    kind, _, rest = required.partition(":")
    match kind:
        case "network":
            host, _, port = rest.rpartition(":")
            return GrantSet(network=NetworkCapability([NetworkRule([host], [port])]))
        case "fs":
            operation, _, path = rest.partition(":")
            rule = FileSystemRule(write=[path]) if operation == "write" else FileSystemRule(read=[path])
            return GrantSet(fs=FileSystemCapability([rule]))
        case "env":
            return GrantSet(env=EnvironmentCapability([rest]))
        case "exec":
            return GrantSet(exec=ExecCapability([rest]))
    return GrantSet()


def grants_json(grants: GrantSet) -> str:
    """Return grants as a line of JSON, to paste into a file for `--grants @FILE`."""
    from reglet.infrastructure.wire.exports import GRANTS

    return json.dumps(json.loads(GRANTS.encode(grants)))


class _Grants(click.Group):
    context_class = Context


@click.group("grants", cls=_Grants, context_settings={"help_option_names": ["-h", "--help"]})
def grants() -> None:
    """Show and revoke what was granted to plugins for always.

    They are kept by the digest of a plugin's file: one that is built anew is asked about again.
    """


@grants.command("list", cls=Command)
@json_option
def list_grants(as_json: bool) -> int:
    """List what is granted for always, plugin by plugin."""
    require_extra("build", "grants")
    from reglet.infrastructure.host.grant_store import GrantStore

    kept = list(GrantStore().kept())
    if as_json:
        entries = [
            {"digest": each.digest, "plugin": each.plugin, "grants": json.loads(grants_json(each.grants))}
            for each in kept
        ]
        sys.stdout.write(json.dumps(entries, indent=2) + "\n")
        return ExitStatus.SUCCESS
    for each in kept:
        write_line(f"{each.digest[:16]}  {each.plugin or 'a plugin'}", bold=True)
        for line in capability_lines(each.grants):
            write_line(f"  {line}", "      ")
    if not kept:
        write_message("nothing is granted for always")
    return ExitStatus.SUCCESS


@grants.command("revoke", cls=Command)
@click.argument("plugins", nargs=-1, metavar="[DIGEST|FILE]...")
@click.option("--all", "every", is_flag=True, help="Revoke all that is kept.")
def revoke_grants(plugins: tuple[str, ...], every: bool) -> int:
    """Take back what was granted for always.

    A plugin is named by its file, or by the first characters of its digest as `grants list` shows it.
    """
    require_extra("build", "grants")
    from reglet.infrastructure.host.grant_store import GrantStore

    if bool(plugins) == every:
        raise UsageError("name what to revoke by its digest or file, or give --all")
    store = GrantStore()
    kept = list(store.kept())
    chosen = kept if every else []
    for plugin in plugins:
        start = plugin.removeprefix("sha256:").lower()
        if Path(plugin).is_file():
            start = hashlib.sha256(read_file(Path(plugin), plugin)).hexdigest()
        found = [each for each in kept if start and each.digest.startswith(start)]
        if len(found) != 1:
            how = "several plugins have digests that start so" if found else "nothing is kept for it"
            raise UsageError(f"{plugin}: {how}; `reglet-plugin grants list` shows what is kept")
        chosen += found
    for each in chosen:
        store.forget(each.digest)
        write_line(f"revoked {each.digest[:16]}  {each.plugin or 'a plugin'}")
    return ExitStatus.SUCCESS
