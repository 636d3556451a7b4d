"""GrantSet on the wire, and as users write it in files (ABI section 2)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from reglet.domain.entities.grants import (
    EnvironmentCapability,
    ExecCapability,
    FileSystemCapability,
    FileSystemRule,
    GrantSet,
    KeyOperation,
    KeyValueCapability,
    KeyValueRule,
    NetworkCapability,
    NetworkRule,
)
from reglet.infrastructure.wire.fields import Fields, read_record
from reglet.infrastructure.wire.go_json import list_text, object_text, string_text, to_bytes

_KEY_OPERATIONS = ("read", "write", "read-write")


def encode_grants(grants: GrantSet) -> bytes:
    """Return a GrantSet as JSON; a kind that is there without rules keeps its empty list."""
    return to_bytes(grants_text(grants))


def grants_text(grants: GrantSet) -> str:
    """Return a GrantSet as JSON text."""
    network, fs, env, commands, kv = grants.network, grants.fs, grants.env, grants.exec, grants.kv
    return object_text(
        network=None if network is None else _rules_text(map(_network_rule_text, network.rules)),
        fs=None if fs is None else _rules_text(map(_file_rule_text, fs.rules)),
        env=None if env is None else object_text(vars=_texts(env.vars)),
        exec=None if commands is None else object_text(commands=_texts(commands.commands)),
        kv=None if kv is None else _rules_text(map(_key_rule_text, kv.rules)),
    )


def _texts(values: tuple[str, ...]) -> str:
    return list_text(map(string_text, values))


def _rules_text(rules: Iterable[str]) -> str:
    return object_text(rules=list_text(rules))


def _network_rule_text(rule: NetworkRule) -> str:
    return object_text(hosts=_texts(rule.hosts), ports=_texts(rule.ports))


def _file_rule_text(rule: FileSystemRule) -> str:
    return object_text(
        read=_texts(rule.read) if rule.read else None,
        write=_texts(rule.write) if rule.write else None,
    )


def _key_rule_text(rule: KeyValueRule) -> str:
    return object_text(op=string_text(rule.op), keys=_texts(rule.keys))


def decode_grants(data: bytes) -> GrantSet:
    """Return the GrantSet in JSON; kinds that it does not know are ignored.

    Raises:
        WireFormatError: the bytes are not a GrantSet; the text names the rule and field.
    """
    return grants_of(read_record(data, "GrantSet"))


def grants_of(fields: Fields) -> GrantSet:
    """Return the GrantSet that these fields are."""
    network, fs, env = fields.inner("network"), fields.inner("fs"), fields.inner("env")
    commands, kv = fields.inner("exec"), fields.inner("kv")
    return GrantSet(
        network=None
        if network is None
        else NetworkCapability([_network_rule(each) for each in network.records("rules")]),
        fs=None if fs is None else FileSystemCapability([_file_rule(each) for each in fs.records("rules")]),
        env=None if env is None else EnvironmentCapability(env.texts("vars")),
        exec=None if commands is None else ExecCapability(commands.texts("commands")),
        kv=None if kv is None else KeyValueCapability([_key_rule(each) for each in kv.records("rules")]),
    )


def _network_rule(fields: Fields) -> NetworkRule:
    return NetworkRule(fields.texts("hosts"), fields.texts("ports"))


def _file_rule(fields: Fields) -> FileSystemRule:
    return FileSystemRule(fields.texts("read"), fields.texts("write"))


def _key_rule(fields: Fields) -> KeyValueRule:
    op = fields.text("op")
    if op not in _KEY_OPERATIONS:
        raise fields.wrong("op", " or ".join(_KEY_OPERATIONS))
    return KeyValueRule(fields.texts("keys"), cast("KeyOperation", op))
