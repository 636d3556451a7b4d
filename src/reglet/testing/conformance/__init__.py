"""How a plugin in any language fares on each host: one `.wasm` file, asked everything that hosts ask.

It runs in guests of our own sandbox, whose host calls are answered in the dialect of each host.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from attrs import evolve

from reglet.infrastructure.host.validation import NEWER_EXPORTS, OLDER_EXPORTS
from reglet.infrastructure.wasm.binary import ModuleFormatError
from reglet.infrastructure.wasm.module import read_plugin
from reglet.sandbox import Sandbox, SandboxError
from reglet.testing.conformance.looks import LOOKS, older_form
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
from reglet.testing.conformance.subject import LIMITS, Subject

__all__ = ["Figures", "Host", "Outcome", "Remark", "Report", "Row", "verify"]

_LOADS, _OLDER_FORM = "loads", "older form"


def verify(
    binary: bytes,
    *,
    checks: int = 10_000,
    configs: int = 1_000,
    progress: Callable[[str], object] = lambda _subject: None,
) -> Report:
    """Ask a plugin everything that hosts ask, and return what each host would do.

    Args:
        binary: the `.wasm` file.
        checks: how many checks one instance runs, none of whose buffers is given back.
        configs: how many configs are made from the plugin's schema, or near it.
        progress: is given the subject of each row before it is looked at.

    Raises:
        MissingPackageError: wasmtime is not installed.
    """
    progress(_LOADS)
    started = time.monotonic()
    subjects, loads, older = _subjects(binary, checks, configs)
    figures = Figures(time.monotonic() - started)
    rows = [loads]
    for title, concerned, look in LOOKS if subjects else ():
        progress(title)
        hosts: list[Host] = []
        said: dict[tuple[Outcome, str], list[Host]] = {}
        for subject in subjects:
            asked = tuple(host for host in subject.hosts if host in concerned)
            hosts += asked
            found: list[Remark] = []
            try:
                found.extend(look(subject) if asked else ())
            except SandboxError as error:
                found.append(fails(asked, str(error)))
            for each in found:
                known = said.setdefault((each.outcome, each.message), [])
                known += [host for host in asked if host in each.hosts and host not in known]
        remarks = (Remark(tuple(of), *what) for what, of in said.items() if of)
        rows.append(Row(title, tuple(hosts), tuple(remarks)))
    if subjects:
        rows.append(older)
        figures = evolve(subjects[0].figures, first_seconds=figures.first_seconds)
    return Report(tuple(rows), figures)


def _subjects(binary: bytes, checks: int, configs: int) -> tuple[list[Subject], Row, Row]:
    """Return the plugin in each form that it has and that can be loaded, and the rows on that."""
    try:
        exported = read_plugin(binary).exported_functions
    except ModuleFormatError:
        exported = frozenset()
    has_older = exported >= OLDER_EXPORTS.keys()
    subjects: list[Subject] = []
    loads: list[Remark] = []
    older: list[Remark] = []
    if exported >= NEWER_EXPORTS.keys() or not has_older:
        try:
            with Sandbox(limits=LIMITS) as sandbox:
                manifest = sandbox.load(binary).manifest()
            subjects.append(Subject(binary, manifest, NEWER, manifest, checks, configs))
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
                described = subjects[0].manifest if subjects else manifest
                subjects.append(Subject(binary, manifest, OLDER, described, checks, configs))
        except SandboxError as error:
            older.append(fails(OLDER, str(error)))
    else:
        missing = f"it lacks {', '.join(OLDER_EXPORTS)}, which the older app calls"
        older.append(Remark(OLDER, Outcome.NOT_FOR_IT, missing))
    if not subjects and has_older:  # there will be no other row to say it in
        loads += older
    hosts = EVERY if has_older else NEWER
    return subjects, Row(_LOADS, hosts, tuple(loads)), Row(_OLDER_FORM, OLDER, tuple(older))
