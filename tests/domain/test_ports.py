"""Clients of a context."""

from __future__ import annotations

import pytest

import reglet
from reglet import CommandRequest, CommandResult, CommandRunner, Context, HTTPClient
from reglet.errors import DefinitionError, MissingClientError


class Runner:
    """Runs nothing."""

    def run(self, request: CommandRequest) -> CommandResult:
        """Succeed."""
        return CommandResult("ran")


def test_a_client_is_bound_to_every_port_that_it_satisfies():
    """Without being told which."""
    runner = Runner()
    ctx = reglet.with_client(Context(), runner)
    assert reglet.get_client(ctx, CommandRunner) is runner
    assert reglet.try_get_client(ctx, HTTPClient) is None
    assert reglet.try_get_client(ctx, CommandRunner) is runner


def test_a_client_may_be_bound_to_any_type():
    """A port of the author's own, or a plain value."""
    ctx = reglet.with_client(Context(), "CL", str)
    assert reglet.get_client(ctx, str) == "CL"


def test_a_client_that_satisfies_no_port_is_refused():
    """The ports there are are named."""
    with pytest.raises(DefinitionError, match="a str satisfies none of HTTPClient, DNSResolver"):
        reglet.with_client(Context(), "CL")


def test_a_missing_client_is_an_error_that_names_what_is_bound():
    """So that a wrong port is seen."""
    ctx = reglet.with_client(Context(), Runner())
    with pytest.raises(MissingClientError, match=r"no client for HTTPClient .*\(bound: CommandRunner\)"):
        reglet.get_client(ctx, HTTPClient)
