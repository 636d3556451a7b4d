"""How a plugin in any language fares on each host: one `.wasm` file, asked everything that hosts ask.

It runs in guests of our own sandbox, whose host calls are answered in the dialect of each host.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from attrs import evolve

from reglet.infrastructure.host.compiled_plugin import NEWER_EXPORTS, OLDER_EXPORTS
from reglet.infrastructure.wasm.binary import ModuleFormatError
from reglet.infrastructure.wasm.module import read_plugin
from reglet.sandbox import Sandbox, SandboxError
from reglet.testing.conformance.plugin_form import LIMITS, PluginForm
from reglet.testing.conformance.probes import PROBES, older_form
from reglet.testing.conformance.report import (
    EVERY,
    NEWER,
    OLDER,
    Figures,
    Host,
    Outcome,
    Remark,
    Report,
    Row,
    fails,
)

__all__ = ["Figures", "Host", "Outcome", "Remark", "Report", "Row", "verify"]

_LOADS, _OLDER_FORM = "loads", "older form"


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
