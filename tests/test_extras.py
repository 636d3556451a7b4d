"""The extras, as the package declares them and as messages name them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from reglet.infrastructure.extras import EXTRAS, MissingPackageError, extra_of

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]


def test_the_extras_are_those_that_the_package_declares():
    """Each brings its own packages; `host` and `registry` bring those of `build` too, `dev` those of `test`, and `all` every extra."""
    declared = {
        extra: {re.split("[=<>]", requirement)[0] for requirement in requirements}
        for extra, requirements in PROJECT["optional-dependencies"].items()
        if extra != "all"
    }
    known = {extra: set(modules.values()) for extra, modules in EXTRAS.items()}
    declared["registry"].remove("reglet[build]")
    declared["dev"].remove("reglet[test]")
    assert declared == {**known, "host": known["host"] | known["build"]}
    assert PROJECT["optional-dependencies"]["all"] == ["reglet[build,component,dev,host,registry,test]"]


def test_a_module_is_brought_by_its_extra():
    """By the name that is imported, which may not be the package's."""
    assert [extra_of(name) for name in ("dns.resolver", "wasmtime", "componentize_py", "json", None)] == [
        "host",
        "build",
        "component",
        None,
        None,
    ]


def test_a_missing_package_has_the_line_that_adds_it():
    """In the same words wherever it is missing."""
    error = MissingPackageError("pytest", "test")
    assert str(error) == "pytest is not installed; add it with: pip install 'reglet[test]'"
    assert (error.package, error.code) == ("pytest", "missing_package")
