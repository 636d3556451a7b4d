"""Keys in the environment: any will do, nothing is asked of AWS."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

KEYS = {
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
}


@pytest.fixture(autouse=True)
def environment() -> Iterator[dict[str, str]]:
    """Give the plugin these variables and no other of AWS's; tests may set more."""
    before = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    _become(KEYS)
    yield {**KEYS}
    _become(before)


def _become(variables: dict[str, str]) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(variables)
