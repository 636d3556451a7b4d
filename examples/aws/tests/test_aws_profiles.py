"""What profiles ask of this plugin's data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from reglet import Plugin
from reglet.testing import examples_of, run_example

EXPRESSIONS: dict[str, tuple[str, Callable[[Mapping[str, Any]], bool]]] = {
    "len(data.open_ssh_groups) == 1": (
        "ec2/describe_security_groups/open_ssh",
        lambda data: len(data["open_ssh_groups"]) == 1,
    ),
    "len(data.open_rdp_groups) == 0": (
        "ec2/describe_security_groups/open_ssh",
        lambda data: len(data["open_rdp_groups"]) == 0,
    ),
    "len(data.non_compliant_instances) == 1": (
        "ec2/describe_instances_metadata/imdsv1_allowed",
        lambda data: len(data["non_compliant_instances"]) == 1,
    ),
    "data.root_mfa_enabled == true": (
        "iam/get_account_summary/root_with_mfa",
        lambda data: data["root_mfa_enabled"] is True,
    ),
    "data.password_policy.minimum_length >= 14": (
        "iam/get_account_password_policy/strict",
        lambda data: data["password_policy"]["minimum_length"] >= 14,
    ),
    "data.policy_exists == false": (
        "iam/get_account_password_policy/none",
        lambda data: data["policy_exists"] is False,
    ),
    "len(data.unused_keys_over_threshold) == 1": (
        "iam/list_access_keys_with_usage/never_used",
        lambda data: len(data["unused_keys_over_threshold"]) == 1,
    ),
}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_profile_finds_its_field(plugin: Plugin, expression: str) -> None:
    """Missing fields, or null for an empty list, would make the control an error."""
    name, holds = EXPRESSIONS[expression]
    [example] = [each for each in examples_of(plugin) if each.id == name]
    data = run_example(example).data
    assert data is not None
    assert holds(data)
