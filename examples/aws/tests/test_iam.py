"""The iam service against an AWS that checks signatures."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fake_aws import FakeAWS

from reglet import Context, Plugin, Result, with_client
from reglet.testing import assert_data_field, assert_error, assert_never_traps, assert_success


@pytest.fixture
def aws() -> FakeAWS:
    """Return an AWS that knows the key."""
    return FakeAWS(os.environ["AWS_SECRET_ACCESS_KEY"])


Check = Callable[..., Result]


@pytest.fixture
def check(plugin: Plugin) -> Check:
    """Call an operation of the iam service."""

    def call(aws: FakeAWS, operation: str, **config: Any) -> Result:
        asked = {"service": "iam", "operation": operation, **config}
        return plugin.check(with_client(Context(), aws), json.dumps(asked).encode())

    return call


def days_ago(days: int) -> str:
    """Return a timestamp in AWS's spelling."""
    return (datetime.now(UTC) - timedelta(days=days, hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _answer(action: str, content: str) -> str:
    return f"<{action}Response>{content}</{action}Response>"


def summary(**counts: int) -> str:
    """Return an account summary as AWS writes it, with all that it always counts."""
    usual = dict.fromkeys(
        ("AccountMFAEnabled", "Users", "Groups", "Roles", "Policies", "MFADevices", "MFADevicesInUse"), 0
    )
    entries = "".join(
        f"<entry><key>{key}</key><value>{count}</value></entry>"
        for key, count in {**usual, "AccessKeysPerUserQuota": 2, **counts}.items()
    )
    return _answer(
        "GetAccountSummary",
        f"<GetAccountSummaryResult><SummaryMap>{entries}</SummaryMap></GetAccountSummaryResult>",
    )


def with_keys(aws: FakeAWS, created: Mapping[str, int], used: Mapping[str, int]) -> None:
    """Let AWS know users of one key each, made and used so many days ago."""

    def users(parameters: Mapping[str, str]) -> str:
        names = list(created)
        page = names[1:] if parameters.get("Marker") else names[:1]
        members = "".join(f"<member><UserName>{name}</UserName></member>" for name in page)
        more = "" if parameters.get("Marker") or len(names) == 1 else "<Marker>m</Marker>"
        return _answer("ListUsers", f"<ListUsersResult><Users>{members}</Users>{more}</ListUsersResult>")

    def keys(parameters: Mapping[str, str]) -> str:
        name = parameters["UserName"]
        member = (
            f"<UserName>{name}</UserName><AccessKeyId>AK{name}</AccessKeyId><Status>{{}}</Status>"
            f"<CreateDate>{days_ago(created[name])}</CreateDate>"
        )
        members = "".join(f"<member>{member.format(status)}</member>" for status in ("Active", "Inactive"))
        listed = f"<AccessKeyMetadata>{members}</AccessKeyMetadata>"
        return _answer("ListAccessKeys", f"<ListAccessKeysResult>{listed}</ListAccessKeysResult>")

    def last_use(parameters: Mapping[str, str]) -> str:
        name = parameters["AccessKeyId"].removeprefix("AK")
        when = days_ago(used[name]) if name in used else "N/A"
        return _answer(
            "GetAccessKeyLastUsed",
            f"<AccessKeyLastUsed><LastUsedDate>{when}</LastUsedDate></AccessKeyLastUsed>",
        )

    aws.answers.update(ListUsers=users, ListAccessKeys=keys, GetAccessKeyLastUsed=last_use)


def test_iam_is_signed_for_us_east_1(check: Check, aws: FakeAWS) -> None:
    """Whatever region the environment names: the service is global."""
    os.environ["AWS_REGION"] = "eu-west-1"
    aws.answers["GetAccountSummary"] = summary(AccountMFAEnabled=1, Users=7)
    result = check(aws, "get_account_summary")
    assert_success(result)
    assert_data_field(result, "root_mfa_enabled", expected=True)
    assert_data_field(result, "users", 7)
    assert_data_field(result, "groups", 0)


def test_a_policy_is_read_whole(check: Check, aws: FakeAWS) -> None:
    """What it does not ask for is false, what it does not limit is null."""
    aws.answers["GetAccountPasswordPolicy"] = (
        "<GetAccountPasswordPolicyResponse><PasswordPolicy>"
        "<MinimumPasswordLength>8</MinimumPasswordLength><RequireNumbers>true</RequireNumbers>"
        "</PasswordPolicy></GetAccountPasswordPolicyResponse>"
    )
    result = check(aws, "get_account_password_policy")
    assert_data_field(result, "policy_exists", expected=True)
    assert_data_field(result, "password_policy.minimum_length", 8)
    assert_data_field(result, "password_policy.require_numbers", expected=True)
    assert_data_field(result, "password_policy.require_symbols", expected=False)
    assert_data_field(result, "password_policy.max_age_days", None)


def test_no_policy_is_data(check: Check, aws: FakeAWS) -> None:
    """So that `data.policy_exists == true` is false, not an error."""
    aws.refusals["GetAccountPasswordPolicy"] = (404, "NoSuchEntity")
    result = check(aws, "get_account_password_policy")
    assert_success(result)
    assert_data_field(result, "policy_exists", expected=False)


def test_another_refusal_is_an_error(check: Check, aws: FakeAWS) -> None:
    """Not everything that is missing is no policy."""
    aws.refusals["GetAccountPasswordPolicy"] = (403, "AccessDenied")
    assert_error(check(aws, "get_account_password_policy"), "AWS permission denied", type="capability")


def test_keys_that_nobody_uses_are_found(check: Check, aws: FakeAWS) -> None:
    """More than the threshold, not as much; of a key that was never used, since it was made."""
    with_keys(aws, {"ann": 400, "bob": 400, "cy": 91, "dan": 10}, {"ann": 91, "bob": 90})
    result = check(aws, "list_access_keys_with_usage")
    assert_data_field(result, "total_users", 4)
    assert_data_field(result, "total_access_keys", 4)
    assert result.data is not None
    assert [key["user_name"] for key in result.data["unused_keys_over_threshold"]] == ["ann", "cy"]
    assert [key["days_since_used"] for key in result.data["access_keys"]] == [91, 90, None, None]
    assert [key["never_used"] for key in result.data["access_keys"]] == [False, False, True, True]


def test_the_threshold_may_be_chosen(check: Check, aws: FakeAWS) -> None:
    """In the config, as in the schema."""
    with_keys(aws, {"ann": 400}, {"ann": 30})
    result = check(aws, "list_access_keys_with_usage", threshold_days=29)
    assert result.data is not None
    assert len(result.data["unused_keys_over_threshold"]) == 1
    assert_error(check(aws, "list_access_keys_with_usage", threshold_days=0), "threshold_days", type="config")


def test_keys_that_cannot_be_read_are_an_error(check: Check, aws: FakeAWS) -> None:
    """Of the others alone nothing can be concluded: no unused key among them is no verdict."""
    with_keys(aws, {"ann": 1}, {})
    aws.refusals["ListAccessKeys"] = (403, "AccessDenied")
    assert_error(check(aws, "list_access_keys_with_usage"), "AWS permission denied", type="capability")


def test_a_user_who_is_gone_meanwhile_has_no_keys(check: Check, aws: FakeAWS) -> None:
    """Between two calls a user may be deleted."""
    with_keys(aws, {"ann": 1}, {})
    aws.refusals["ListAccessKeys"] = (404, "NoSuchEntity")
    result = check(aws, "list_access_keys_with_usage")
    assert_success(result)
    assert_data_field(result, "access_keys", [])


@pytest.mark.parametrize(
    ("action", "operation", "content"),
    [
        ("GetAccountPasswordPolicy", "get_account_password_policy", ""),
        ("GetAccountPasswordPolicy", "get_account_password_policy", "<PasswordPolicy/>"),
        ("ListUsers", "list_access_keys_with_usage", "<ListUsersResult/>"),
        (
            "ListUsers",
            "list_access_keys_with_usage",
            "<ListUsersResult><Users/><IsTruncated>true</IsTruncated></ListUsersResult>",
        ),
    ],
)
def test_an_answer_without_what_was_asked_for_is_an_error(
    check: Check, aws: FakeAWS, action: str, operation: str, content: str
) -> None:
    """AWS shows empty lists too, and where the next page is: no user is not what was not shown."""
    aws.answers[action] = f"<{action}Response>{content}</{action}Response>"
    assert_error(check(aws, operation), "failed to parse AWS response", code="MalformedAnswer")


@pytest.mark.parametrize("left_out", ["AccountMFAEnabled", "Users"])
def test_a_count_that_is_missing_is_an_error(check: Check, aws: FakeAWS, left_out: str) -> None:
    """Not 0, and not `root_mfa_enabled: false`."""
    aws.answers["GetAccountSummary"] = summary().replace(f"<key>{left_out}</key>", "<key>Other</key>")
    assert_error(check(aws, "get_account_summary"), f"it has no {left_out}", code="MalformedAnswer")


def test_a_number_that_is_none_is_an_error(check: Check, aws: FakeAWS) -> None:
    """And no bug of the plugin."""
    aws.answers["GetAccountSummary"] = summary().replace("<value>2</value>", "<value>many</value>")
    assert_error(check(aws, "get_account_summary"), "'many', no number", code="MalformedAnswer")


@pytest.mark.parametrize(
    ("region", "host", "signed_for"),
    [
        ("", "iam.amazonaws.com", "us-east-1"),
        ("eu-west-1", "iam.amazonaws.com", "us-east-1"),
        ("cn-north-1", "iam.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ("cn-northwest-1", "iam.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ("us-gov-east-1", "iam.us-gov.amazonaws.com", "us-gov-west-1"),
    ],
)
def test_each_partition_has_an_iam_of_its_own(
    check: Check, aws: FakeAWS, region: str, host: str, signed_for: str
) -> None:
    """The environment's region says which."""
    os.environ["AWS_REGION"] = region
    aws.regions = {host: signed_for}
    aws.answers["GetAccountSummary"] = summary()
    assert_success(check(aws, "get_account_summary"))


def test_it_never_traps(plugin: Plugin) -> None:
    """Whatever config a host sends, there is a Result and no bug."""
    assert_never_traps(plugin, max_examples=5)
