"""How a plugin in any language fares on each host: one `.wasm` file, asked everything that hosts ask.

It runs in guests of our own sandbox, whose host calls are answered in the dialect of each host.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from attrs import asdict, evolve, field, frozen

from reglet.infrastructure.wasm import ModuleFormatError
from reglet.infrastructure.wasm.module import read_plugin
from reglet.infrastructure.wasm.signatures import NEWER_EXPORTS, OLDER_EXPORTS
from reglet.sandbox import Sandbox, SandboxError
from reglet.testing.conformance.hosts import (
    EVERY,
    LIMITS,
    NEWER,
    OLDER,
    Figures,
    Host,
    Outcome,
    PluginForm,
    Remark,
    fails,
)
from reglet.testing.conformance.probes import PROBES, older_form

__all__ = ["Figures", "Host", "Outcome", "Remark", "Report", "Row", "verify"]

_LOADS, _OLDER_FORM = "loads", "older form"


@frozen
class Row:
    """What was looked at, which hosts it concerns, and the remarks on it."""

    subject: str
    hosts: tuple[Host, ...]
    remarks: tuple[Remark, ...] = ()

    def outcome(self, host: Host) -> Outcome:
        """Return what a host would do: its worst remark."""
        if host not in self.hosts:
            return Outcome.NOT_FOR_IT
        found = {each.outcome for each in self.remarks if host in each.hosts}
        return next(
            (each for each in (Outcome.FAILS, Outcome.WARNING, Outcome.NOT_FOR_IT) if each in found),
            Outcome.WORKS,
        )


@frozen
class Report:
    """A whole run: its rows and its figures."""

    rows: tuple[Row, ...]
    figures: Figures = field(factory=Figures)

    @property
    def failing(self) -> tuple[Host, ...]:
        """The hosts on which the plugin would fail."""
        return tuple(host for host in Host if any(row.outcome(host) is Outcome.FAILS for row in self.rows))

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return {
            "rows": [
                {
                    "subject": row.subject,
                    "outcomes": {host: row.outcome(host) for host in Host},
                    "remarks": [asdict(remark) for remark in row.remarks],
                }
                for row in self.rows
            ],
            **asdict(self.figures),
            "failing": list(self.failing),
        }


def verify(
    binary: bytes,
    *,
    checks: int = 10_000,
    configs: int = 1_000,
    progress: Callable[[str], object] = lambda _title: None,
) -> Report:
    """Ask a plugin everything that hosts ask, and return what each host would do.

    Args:
        binary: the `.wasm` file.
        checks: how many checks one instance runs, none of whose buffers is given back.
        configs: how many configs are made from the plugin's schema, or near it.
        progress: is given the title of each row before it is asked.

    Raises:
        MissingPackageError: wasmtime is not installed.
    """
    progress(_LOADS)
    started = time.monotonic()
    forms, loads, older = _forms(binary, checks, configs)
    figures = Figures(time.monotonic() - started)
    rows = [loads]
    for title, concerned, probe in PROBES if forms else ():
        progress(title)
        hosts: list[Host] = []
        said: dict[tuple[Outcome, str], list[Host]] = {}
        for form in forms:
            asked = tuple(host for host in form.hosts if host in concerned)
            hosts += asked
            found: list[Remark] = []
            try:
                found.extend(probe(form) if asked else ())
            except SandboxError as error:
                found.append(fails(asked, str(error)))
            for each in found:
                known = said.setdefault((each.outcome, each.message), [])
                known += [host for host in asked if host in each.hosts and host not in known]
        remarks = (Remark(tuple(of), *what) for what, of in said.items() if of)
        rows.append(Row(title, tuple(hosts), tuple(remarks)))
    if forms:
        rows.append(older)
        figures = evolve(forms[0].figures, first_seconds=figures.first_seconds)
    return Report(tuple(rows), figures)


def _forms(binary: bytes, checks: int, configs: int) -> tuple[list[PluginForm], Row, Row]:
    """Return the plugin in each form that it has and that can be loaded, and the rows on that."""
    try:
        exported = read_plugin(binary).exported_functions
    except ModuleFormatError:
        exported = frozenset()
    has_older = exported >= OLDER_EXPORTS.keys()
    forms: list[PluginForm] = []
    loads: list[Remark] = []
    older: list[Remark] = []
    if exported >= NEWER_EXPORTS.keys() or not has_older:
        try:
            with Sandbox(limits=LIMITS) as sandbox:
                manifest = sandbox.load(binary).manifest()
            forms.append(PluginForm(binary, manifest, NEWER, manifest, checks, configs))
        except SandboxError as error:
            loads.append(fails(NEWER, str(error)))
    else:
        missing = f"it lacks {' and '.join(NEWER_EXPORTS)}, which hosts call today"
        loads.append(Remark(NEWER, Outcome.NOT_FOR_IT, missing))
    if has_older:
        try:
            older.extend(older_form(binary))
            if not older:
                with Sandbox(limits=LIMITS, dialect="older") as sandbox:
                    manifest = sandbox.load(binary).manifest()
                described = forms[0].manifest if forms else manifest
                forms.append(PluginForm(binary, manifest, OLDER, described, checks, configs))
        except SandboxError as error:
            older.append(fails(OLDER, str(error)))
    else:
        missing = f"it lacks {', '.join(OLDER_EXPORTS)}, which the older app calls"
        older.append(Remark(OLDER, Outcome.NOT_FOR_IT, missing))
    if not forms and has_older:  # there will be no other row to say it in
        loads += older
    hosts = EVERY if has_older else NEWER
    return forms, Row(_LOADS, hosts, tuple(loads)), Row(_OLDER_FORM, OLDER, tuple(older))
