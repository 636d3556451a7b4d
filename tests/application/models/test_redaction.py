"""Secrets are found and taken out."""

from __future__ import annotations

import json
from typing import Any

import reglet
from reglet.application.models.from_json import parse_model
from reglet.application.models.model_types import model_type
from reglet.application.models.redaction import Redaction, secret_strings
from reglet.application.models.to_json import model_to_json


@reglet.model
class Account:
    """A nested secret."""

    name: str
    password: str = reglet.field(secret=True)


@reglet.model
class Config:
    """Secrets of every kind."""

    token: str = reglet.field(secret=True)
    pin: int = reglet.field(default=0, secret=True)
    keys: list[str] = reglet.field(factory=list, secret=True)
    headers: dict[str, Any] = reglet.field(factory=dict, secret=True)
    account: Account | None = None
    accounts: list[Account] = reglet.field(factory=list)
    by_name: dict[str, Account] = reglet.field(factory=dict)
    owner: Account | None = reglet.field(default=None, secret=True)
    flag: bool = reglet.field(default=True, secret=True)


def _account(secret: str) -> dict[str, Any]:
    return {"name": "n", "password": secret}


FULL = {
    "token": "secret-1",
    "pin": 123456,
    "keys": ["secret-2"],
    "headers": {"A": ["secret-3"]},
    "account": _account("secret-4"),
    "accounts": [_account("secret-5")],
    "by_name": {"x": _account("secret-6")},
    "owner": {"name": "the owner", "password": "secret-7"},
}
SECRETS = {*(f"secret-{n}" for n in range(1, 8)), "123456", "the owner"}


def test_every_secret_is_found_wherever_it_lies():
    """In fields, lists, dicts and nested models; a secret model is secret as a whole."""
    assert set(secret_strings(model_type(Config), FULL)) == SECRETS


def test_a_secret_is_found_in_a_config_that_does_not_fit():
    """The message that says so must not show it."""
    wrong = {"token": ["secret-1"], "account": "n", "accounts": {"a": 1}, "by_name": [1], "keys": "secret-2"}
    assert set(secret_strings(model_type(Config), wrong)) == {"secret-1", "secret-2", "0"}
    assert list(secret_strings(model_type(Config), "secret")) == []


def test_a_written_model_has_no_secrets():
    """Stars stand for them, wherever they lie."""
    value, problems = parse_model(Config, FULL)
    assert problems == []
    written = model_to_json(value)
    assert not [secret for secret in SECRETS if secret in str(written)]
    assert written["accounts"] == [{"name": "n", "password": "***"}]


def test_known_secrets_are_taken_out_of_texts_and_values():
    """Longer ones first, in keys and numbers too, and short ones only where they are the whole text."""
    redaction = Redaction(["hunter2", "hunter2-long", "123456", "ab", ""])
    assert redaction.string("login hunter2-long, then hunter2: about") == "login ***, then ***: about"
    assert redaction.string("ab") == "***"
    value = {"hunter2": ["x hunter2", 123456, 1, True, None], "abc": ("ab",)}
    assert redaction.value(value) == {"***": ["x ***", "***", 1, True, None], "abc": ["***"]}


def test_without_secrets_there_is_nothing_to_do():
    """So that nothing is done."""
    assert not Redaction()
    assert not Redaction([""])
    assert Redaction(["x"])


def test_a_secret_is_found_as_a_repr_and_as_json_write_it():
    """Messages quote what they show."""
    secret = 'p"w\\é'
    redaction = Redaction([secret])
    assert redaction.string(f"{[secret]} {json.dumps([secret])}") == "['***'] [\"***\"]"


def test_a_redaction_shows_no_secrets():
    """Not in its own repr either."""
    assert "hunter2" not in repr(Redaction(["hunter2"]))
