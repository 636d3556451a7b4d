"""Audit a plugin: what its examples and tests use beside what it declares, and the least that would do."""

from __future__ import annotations

import difflib
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeAlias

from attrs import evolve, frozen

from reglet.domain.context import Context
from reglet.domain.entities.grants import (
    EnvironmentCapability,
    ExecCapability,
    FileSystemCapability,
    FileSystemRule,
    GrantSet,
    NetworkCapability,
    NetworkRule,
)
from reglet.domain.errors import RegletError
from reglet.domain.policy import Decision, Policy
from reglet.domain.ports import Plugin
from reglet.domain.urls import DNS_PORT
from reglet.testing.plugintest import ExampleCase, ExampleFailed, examples_of, run_example
from reglet.testing.runners import definition_of
from reglet.testing.usage import Usage, grants_opened, usage_recorded

AuditRunner: TypeAlias = Literal["fakes", "sandbox"]
"""What runs the tests that are watched."""

_PASSED = 0
_NO_TESTS = 5
_TAIL = 4000
_Question: TypeAlias = Callable[[Policy], Decision]


class AuditError(RegletError):
    """A project cannot be audited; the message has the reason."""

    error_type = "execution"


def audit_plugin(plugin: Plugin) -> AuditReport:
    """Run a plugin's examples and return what they touched beside what it declares."""
    return AuditReport(_declared(plugin), _usage_of_examples(plugin))


def audit_project(plugin: Plugin, folder: Path, runner: AuditRunner = "fakes") -> AuditReport:
    """Run a plugin's examples and its project's tests, and return what they touched.

    In the sandbox the host sees which files are asked for, but a guest gets its variables all at once. The
    examples run in this process too: a module lacks the functions of kinds that it does not declare.

    Raises `AuditError` if the tests fail: what a failing test did not reach would be called unused.
    """
    usage = _usage_of_examples(plugin)
    with tempfile.TemporaryDirectory(prefix="reglet-audit-") as scratch:
        touched = Path(scratch) / "touched.json"
        options = [f"--reglet-audit={touched}", f"--reglet-place={runner}"]
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
        run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - our own interpreter
        if run.returncode not in (_PASSED, _NO_TESTS):
            output = (run.stdout + run.stderr)[-_TAIL:]
            raise AuditError(f"the tests of {folder} fail, so what they touch is not known:\n{output}")
        if touched.exists():
            usage.add(Usage.load(touched))
    return AuditReport(_declared(plugin), usage, sees_variables=runner != "sandbox")


@frozen
class AuditReport:
    """The capabilities that a plugin declares, and what it touched while its examples and tests ran.

    Attributes:
        declared: what its manifest declares.
        usage: what was touched, allowed or not.
        sees_variables: whether reads of variables were seen: in process they are; in the sandbox not, where
            those that are declared are taken as needed.
    """

    declared: GrantSet
    usage: Usage
    sees_variables: bool = True

    @property
    def least(self) -> GrantSet:
        """The least GrantSet that covers what was touched."""
        least = self.usage.least_grants()
        return least if self.sees_variables else GrantSet(env=self.declared.env).merge(least)

    @property
    def missing(self) -> tuple[str, ...]:
        """What was touched and is not declared, such as `network example.com:443`."""
        policy = Policy(self.declared)
        return tuple(what for what, question in _questions(self.usage.lasting) if not question(policy))

    @property
    def unused(self) -> tuple[str, ...]:
        """What is declared and nothing needed, such as `command /usr/bin/id`."""
        declared = self.declared if self.sees_variables else evolve(self.declared, env=None)
        parts: list[tuple[str, GrantSet]] = []  # each pattern alone; no host function asks for keys
        for rule in declared.network.rules if declared.network else ():
            for host in rule.hosts:
                alone = NetworkCapability([NetworkRule([host], rule.ports)])
                parts.append((f"network {host}:{','.join(rule.ports)}", GrantSet(network=alone)))
        for files in declared.fs.rules if declared.fs else ():
            one = [(f"read {path}", FileSystemRule(read=[path])) for path in files.read]
            one += [(f"write {path}", FileSystemRule(write=[path])) for path in files.write]
            parts += [(what, GrantSet(fs=FileSystemCapability([pattern]))) for what, pattern in one]
        variables = declared.env.vars if declared.env else ()
        parts += [(f"variable {name}", GrantSet(env=EnvironmentCapability([name]))) for name in variables]
        commands = declared.exec.commands if declared.exec else ()
        parts += [(f"command {name}", GrantSet(exec=ExecCapability([name]))) for name in commands]

        questions = [question for _, question in _questions(self.usage)]
        policies = [(what, Policy(part)) for what, part in parts]
        return tuple(what for what, policy in policies if not any(each(policy) for each in questions))

    @property
    def is_clean(self) -> bool:
        """Whether all that was touched is declared, and nothing declared is unused."""
        return not self.missing and not self.unused

    @property
    def literal(self) -> str:
        """The least GrantSet as Python to paste."""
        return to_python(self.least)

    def diff(self) -> list[str]:
        """Return the lines by which the least GrantSet differs from the declared one."""
        before, after = to_python(self.declared).splitlines(), self.literal.splitlines()
        return list(difflib.unified_diff(before, after, "declared", "touched", lineterm=""))

    def to_json(self) -> dict[str, Any]:
        """Return the report for programs."""
        return {
            "clean": self.is_clean,
            "sees_variables": self.sees_variables,
            "missing": list(self.missing),
            "unused": list(self.unused),
            "least": self.literal,
            "diff": self.diff(),
        }


def _declared(plugin: Plugin) -> GrantSet:
    return definition_of(plugin).manifest(Context()).capabilities


def _usage_of_examples(plugin: Plugin) -> Usage:
    """Run every example with everything granted, so that a denial hides nothing that comes after it.

    One that is as it says only with what is declared means to be denied: it is run so.
    """
    usage = Usage()
    for case in examples_of(definition_of(plugin)):
        with usage_recorded() as touched, grants_opened():
            fits = _fits(case)
        if not fits:
            with usage_recorded() as allowed:
                touched = allowed if _fits(case) else touched
        usage.add(touched)
    return usage


def _fits(case: ExampleCase) -> bool:
    try:
        run_example(case)
    except ExampleFailed:
        return False
    return True


def _questions(usage: Usage) -> Iterator[tuple[str, _Question]]:
    """Yield each thing that was touched, in words and as what a policy is asked about it."""
    for host, port in sorted(usage.targets):
        asked = (
            partial(Policy.dns, host=host)
            if port == DNS_PORT
            else partial(Policy.network, host=host, port=port)
        )
        yield f"network {host}:{port}", asked
    for path in sorted(usage.reads):
        yield f"read {path}", partial(Policy.read, path=path)
    for path in sorted(usage.writes):
        yield f"write {path}", partial(Policy.write, path=path)
    for name in sorted(usage.variables):
        yield f"variable {name}", partial(Policy.environment, name=name)
    for command in sorted(usage.commands):
        yield f"command {command}", partial(Policy.execute, command=command)


def to_python(grants: GrantSet) -> str:
    """Return the Python that makes a GrantSet, to paste into a plugin."""
    lines: list[str] = []
    if grants.network is not None:
        rules = [f"NetworkRule(hosts={_list(r.hosts)}, ports={_list(r.ports)})" for r in grants.network.rules]
        lines += _rules("network", "NetworkCapability", rules)
    if grants.fs is not None:
        rules = []
        for files in grants.fs.rules:
            given = {"read": files.read, "write": files.write}
            named = (f"{name}={_list(paths)}" for name, paths in given.items() if paths)
            rules.append(f"FileSystemRule({', '.join(named)})")
        lines += _rules("fs", "FileSystemCapability", rules)
    if grants.env is not None:
        lines.append(f"    env=reglet.EnvironmentCapability(vars={_list(grants.env.vars)}),")
    if grants.exec is not None:
        lines.append(f"    exec=reglet.ExecCapability(commands={_list(grants.exec.commands)}),")
    if grants.kv is not None:
        rules = [f'KeyValueRule(keys={_list(rule.keys)}, op="{rule.op}")' for rule in grants.kv.rules]
        lines += _rules("kv", "KeyValueCapability", rules)
    return "\n".join(["reglet.GrantSet(", *lines, ")"]) if lines else "reglet.GrantSet()"


def _rules(kind: str, name: str, rules: Sequence[str]) -> Iterator[str]:
    yield f"    {kind}=reglet.{name}(rules=["
    yield from (f"        reglet.{rule}," for rule in rules)
    yield "    ]),"


def _list(values: Sequence[str]) -> str:
    return f"[{', '.join(json.dumps(value, ensure_ascii=False) for value in values)}]"
