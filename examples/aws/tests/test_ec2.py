"""The ec2 service against an AWS that checks signatures."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from fake_aws import FakeAWS

from reglet import Context, Plugin, Result, with_client
from reglet.testing import assert_data_field, assert_error, assert_success

OPEN = "<ipRanges><item><cidrIp>0.0.0.0/0</cidrIp></item></ipRanges>"
OPEN_IPV6 = "<ipv6Ranges><item><cidrIpv6>::/0</cidrIpv6></item></ipv6Ranges>"
INSIDE = "<ipRanges><item><cidrIp>10.0.0.0/8</cidrIp></item></ipRanges>"


@pytest.fixture
def aws() -> FakeAWS:
    """Return an AWS that knows the key."""
    return FakeAWS(os.environ["AWS_SECRET_ACCESS_KEY"])


Check = Callable[..., Result]


@pytest.fixture
def check(plugin: Plugin) -> Check:
    """Call an operation of the ec2 service."""

    def call(aws: FakeAWS, operation: str, **config: Any) -> Result:
        asked = {"service": "ec2", "operation": operation, "region": "eu-west-1", **config}
        return plugin.check(with_client(Context(), aws), json.dumps(asked).encode())

    return call


def rule(protocol: str, ports: tuple[int, int] | None, ranges: str) -> str:
    """Return a rule of a security group as AWS writes it."""
    span = f"<fromPort>{ports[0]}</fromPort><toPort>{ports[1]}</toPort>" if ports else ""
    return f"<item><ipProtocol>{protocol}</ipProtocol>{span}{ranges}</item>"


def groups(*rules: str, token: str = "") -> str:
    """Return security groups, each with one rule, as AWS writes them."""
    items = "".join(
        f"<item><groupId>sg-{index}</groupId><groupName>g</groupName><ipPermissions>{each}</ipPermissions></item>"
        for index, each in enumerate(rules)
    )
    return (
        '<DescribeSecurityGroupsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">'
        f"<securityGroupInfo>{items}</securityGroupInfo><nextToken>{token}</nextToken>"
        "</DescribeSecurityGroupsResponse>"
    )


@pytest.mark.parametrize(
    ("described", "ssh", "rdp"),
    [
        (rule("tcp", (22, 22), OPEN), 1, 0),
        (rule("tcp", (22, 22), OPEN_IPV6), 1, 0),
        (rule("tcp", (3000, 4000), OPEN), 0, 1),
        (rule("-1", None, OPEN), 1, 1),
        (rule("udp", (22, 22), OPEN), 0, 0),
        (rule("tcp", (22, 22), INSIDE), 0, 0),
        (rule("tcp", (80, 80), OPEN), 0, 0),
    ],
)
def test_groups_open_to_anyone_are_found(
    check: Check, aws: FakeAWS, described: str, ssh: int, rdp: int
) -> None:
    """By port range, by protocol, by IPv6; none is an empty list, not null."""
    aws.answers["DescribeSecurityGroups"] = groups(described)
    result = check(aws, "describe_security_groups")
    assert_success(result)
    assert result.data is not None
    assert (len(result.data["open_ssh_groups"]), len(result.data["open_rdp_groups"])) == (ssh, rdp)


def test_all_pages_are_read(check: Check, aws: FakeAWS) -> None:
    """AWS names where the next begins."""

    def answer(parameters: Mapping[str, str]) -> str:
        first = "NextToken" not in parameters
        return groups(rule("tcp", (80, 80), INSIDE), token="more/+=" if first else "")

    aws.answers["DescribeSecurityGroups"] = answer
    assert_data_field(check(aws, "describe_security_groups"), "total_groups", 2)
    assert [call.get("NextToken") for call in aws.calls] == [None, "more/+="]


def test_filters_are_numbered_in_order_and_encoded(check: Check, aws: FakeAWS) -> None:
    """Spaces and slashes arrive, and the signature holds."""
    aws.answers["DescribeSecurityGroups"] = groups()
    check(aws, "describe_security_groups", filters={"tag:Name": ["a b/c", "ü&="], "vpc-id": ["vpc-1"]})
    [call] = aws.calls
    assert {name: value for name, value in call.items() if name.startswith("Filter")} == {
        "Filter.1.Name": "tag:Name",
        "Filter.1.Value.1": "a b/c",
        "Filter.1.Value.2": "ü&=",
        "Filter.2.Name": "vpc-id",
        "Filter.2.Value.1": "vpc-1",
    }


def test_instances_without_imdsv2_are_found(check: Check, aws: FakeAWS) -> None:
    """Only running ones are asked for."""
    items = "".join(
        f"<item><instanceId>i-{tokens}</instanceId><metadataOptions><httpTokens>{tokens}</httpTokens></metadataOptions></item>"
        for tokens in ("optional", "required")
    )
    aws.answers["DescribeInstances"] = (
        f"<DescribeInstancesResponse><reservationSet><item><instancesSet>{items}</instancesSet></item>"
        "</reservationSet></DescribeInstancesResponse>"
    )
    result = check(aws, "describe_instances_metadata")
    assert_data_field(result, "total_instances", 2)
    assert_data_field(result, "non_compliant_instances.0.instance_id", "i-optional")
    assert result.data is not None
    assert len(result.data["non_compliant_instances"]) == 1
    assert aws.calls[0]["Filter.1.Value.1"] == "running"


@pytest.mark.parametrize(
    ("code", "type_", "text"),
    [
        ("UnauthorizedOperation", "capability", "AWS permission denied: "),
        ("RequestLimitExceeded", "timeout", "AWS rate limit exceeded: "),
        ("InvalidParameterValue", "config", "Invalid AWS parameter: "),
        ("InvalidGroup.NotFound", "config", "AWS resource not found: "),
        ("ServiceUnavailable", "network", "AWS service unavailable: "),
        ("Strange", "internal", "AWS API error: "),
    ],
)
def test_a_refusal_keeps_its_kind(check: Check, aws: FakeAWS, code: str, type_: str, text: str) -> None:
    """And its code."""
    aws.refusals["DescribeSecurityGroups"] = (400, code)
    result = check(aws, "describe_security_groups")
    assert_error(result, text, type=type_, code=code)
    assert result.error is not None
    assert result.error.is_timeout == (type_ == "timeout")
    assert result.error.is_not_found == (code == "InvalidGroup.NotFound")


@pytest.mark.parametrize(
    "body",
    [
        "not xml",
        "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
        "<html><body>Log in to the network</body></html>",
        "<DescribeInstancesResponse/>",
        groups(rule("tcp", (22, 22), OPEN))[:-20],
        "",
        "<DescribeSecurityGroupsResponse/>",
        groups(rule("tcp", (22, 22), OPEN)).replace("securityGroupInfo", "securityGroupSet"),
        groups(rule("", (22, 22), OPEN)),
        groups(token="again"),  # noqa: S106 - of a page
    ],
)
def test_an_answer_that_is_none_is_an_error(check: Check, aws: FakeAWS, body: str) -> None:
    """A proxy's page, another action's answer, half of one: that no group is open there is no verdict."""
    aws.answers["DescribeSecurityGroups"] = body
    assert_error(
        check(aws, "describe_security_groups"), "failed to parse AWS response", code="MalformedAnswer"
    )


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("cn-north-1", "ec2.cn-north-1.amazonaws.com.cn"),
        ("us-gov-west-1", "ec2.us-gov-west-1.amazonaws.com"),
    ],
)
def test_china_and_govcloud_have_hosts_of_their_own(
    check: Check, aws: FakeAWS, region: str, host: str
) -> None:
    """And sign for their own region."""
    aws.regions = {host: region}
    aws.answers["DescribeSecurityGroups"] = groups()
    assert_data_field(check(aws, "describe_security_groups", region=region), "region", region)


def test_a_wrong_key_is_refused(check: Check) -> None:
    """The fake checks what it is sent."""
    result = check(FakeAWS("another"), "describe_security_groups")
    assert_error(result, code="SignatureDoesNotMatch")


def test_a_session_token_is_sent(check: Check, aws: FakeAWS) -> None:
    """And signed."""
    aws.token = os.environ["AWS_SESSION_TOKEN"] = "to/ken=="  # noqa: S105 - nobody's
    aws.answers["DescribeSecurityGroups"] = groups()
    assert_success(check(aws, "describe_security_groups"))


def test_the_region_may_come_from_the_environment(check: Check, aws: FakeAWS) -> None:
    """AWS_REGION before AWS_DEFAULT_REGION."""
    aws.answers["DescribeSecurityGroups"] = groups()
    os.environ["AWS_DEFAULT_REGION"] = "eu-west-1"
    assert_data_field(check(aws, "describe_security_groups", region=""), "region", "eu-west-1")
    os.environ["AWS_REGION"] = "mars-1"
    assert_error(check(aws, "describe_security_groups", region=""), code="SignatureDoesNotMatch")


@pytest.mark.parametrize("missing", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_a_missing_key_is_named(check: Check, aws: FakeAWS, missing: str) -> None:
    """Nothing is asked."""
    del os.environ[missing]
    assert_error(
        check(aws, "describe_security_groups"), f"{missing} environment variable not set", type="config"
    )
    assert aws.calls == []


def test_a_missing_region_is_said(check: Check, aws: FakeAWS) -> None:
    """With what to do."""
    assert_error(check(aws, "describe_security_groups", region=""), "AWS region not specified", type="config")


def test_an_unknown_operation_is_answered_with_those_there_are(check: Check, aws: FakeAWS) -> None:
    """Keys or not."""
    assert_error(check(aws, "describe_volumes"), "describe_security_groups", type="config")
