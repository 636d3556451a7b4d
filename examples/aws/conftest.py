"""Keys in the environment of every test and example: any will do, nothing is asked of AWS."""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping

import pytest

KEYS = {
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    """Give the plugin these variables and no other of AWS's; tests may set more."""
    before = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    _become(KEYS)
    try:
        return (yield)
    finally:
        _become(before)


def _become(variables: Mapping[str, str]) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(variables)
