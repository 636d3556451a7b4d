"""`doctor`: is everything there, and which versions."""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Iterator
from importlib.util import find_spec

from attrs import frozen

from reglet.application.version import __version__
from reglet.cli.command import Command, ExitStatus
from reglet.domain.errors import RegletError
from reglet.infrastructure.extras import EXTRAS, Extra, add_with


@frozen
class Finding:
    """One line of the report; `missing` says that something a user may need is not there."""

    subject: str
    found: str
    missing: bool = False


def _findings() -> Iterator[Finding]:
    yield Finding("reglet", __version__)
    yield Finding("Python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    for extra, modules in EXTRAS.items():
        for package in modules.values():
            yield _package(extra, package.partition("[")[0])
    yield _runtime()
    yield from _cache()


def _package(extra: Extra, name: str) -> Finding:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return Finding(name, version(name))
    except PackageNotFoundError:
        return Finding(name, f"not installed; {add_with(extra)}", missing=True)


def _runtime() -> Finding:
    from reglet.infrastructure.runtime import load_product

    try:
        product = load_product()
    except RegletError as error:
        return Finding("runtime", str(error), missing=True)
    return Finding("runtime", f"{product.key[:16]}, {len(product.module.wasm) / 1e6:.1f} MB")


def _cache() -> Iterator[Finding]:
    """Name the folder of compiled code; without the build extra there is none."""
    if find_spec("platformdirs") is not None:
        from reglet.infrastructure.engine.cache import cache_folder

        yield Finding("cache", str(cache_folder()))


def _configure(_parser: argparse.ArgumentParser) -> None:
    """It takes no arguments."""


def _run(_options: argparse.Namespace) -> int:
    findings = list(_findings())
    width = max(len(finding.subject) for finding in findings)
    for finding in findings:
        sys.stdout.write(f"{finding.subject:<{width}}  {finding.found}\n")
    return ExitStatus.FAILURE if any(finding.missing for finding in findings) else ExitStatus.SUCCESS


COMMAND = Command("doctor", "show versions and what is missing", _configure, _run)
