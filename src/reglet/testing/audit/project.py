"""Audit a plugin: run its examples, and its tests where it has a project, and collect what they touch."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Literal, TypeAlias

from reglet.domain.context import Context
from reglet.domain.entities.grants import GrantSet
from reglet.domain.errors import RegletError
from reglet.domain.ports import Plugin
from reglet.testing.audit.report import AuditReport
from reglet.testing.audit.touched import Touched, touches_recorded
from reglet.testing.configs import encoded
from reglet.testing.examples import examples_of
from reglet.testing.fakes.host import FakeHost
from reglet.testing.places import check_at, definition_of
from reglet.testing.seam import EVERYTHING

AuditPlace: TypeAlias = Literal["fakes", "sandbox"]
"""Where the tests are watched."""

_PASSED = 0
_NO_TESTS = 5
_TAIL = 4000


class AuditError(RegletError):
    """A project cannot be audited; the text says why."""

    error_type = "execution"


def audit_plugin(plugin: Plugin) -> AuditReport:
    """Run a plugin's examples and return what they touched beside what it declares."""
    return AuditReport(_declared(plugin), _touched_by_examples(plugin))


def audit_project(plugin: Plugin, folder: Path, place: AuditPlace = "fakes") -> AuditReport:
    """Run a plugin's examples and its project's tests, and return what they touched.

    In the sandbox the host tells which files are asked for, but a guest gets its variables all at once.

    Raises `AuditError` if the tests fail: what a failing test did not reach would be called unused.
    """
    if place == "sandbox":
        return AuditReport(_declared(plugin), _touched_by_tests(folder, place), sees_variables=False)
    touched = _touched_by_examples(plugin)
    touched.add(_touched_by_tests(folder, place))
    return AuditReport(_declared(plugin), touched)


def _declared(plugin: Plugin) -> GrantSet:
    return plugin.manifest(Context()).capabilities


def _touched_by_examples(plugin: Plugin) -> Touched:
    """Run every example with everything granted, so that a denial hides nothing that comes after it."""
    with touches_recorded() as touched:
        for case in examples_of(plugin):
            host = FakeHost(*case.answers, grants=EVERYTHING)
            check_at(definition_of(plugin), host, encoded(case.config))
    return touched


def _touched_by_tests(folder: Path, place: AuditPlace) -> Touched:
    with tempfile.TemporaryDirectory(prefix="reglet-audit-") as scratch:
        report = Path(scratch) / "touched.json"
        options = [f"--reglet-audit={report}", f"--reglet-place={place}"]
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
        run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - our own interpreter
        if run.returncode not in (_PASSED, _NO_TESTS):
            output = (run.stdout + run.stderr)[-_TAIL:]
            raise AuditError(f"the tests of {folder} fail, so what they touch is not known:\n{output}")
        return Touched.load(report) if report.exists() else Touched()
