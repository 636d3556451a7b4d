"""The ec2 service: security groups and instances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import reglet
from aws_plugin.client import AWSClient
from aws_plugin.definition import plugin
from aws_plugin.examples import DESCRIBE_INSTANCES_METADATA, DESCRIBE_SECURITY_GROUPS
from aws_plugin.groups import SecurityGroupsOutput, is_open, read_group
from aws_plugin.instances import InstancesOutput, read_instance
from aws_plugin.models import EC2Input

_SSH = 22
_RDP = 3389


@plugin.service("ec2", description="Machines and their networks")
class EC2Service:
    """Describes machines and their networks."""

    @reglet.operation(
        description="List security groups and those open to anyone", examples=DESCRIBE_SECURITY_GROUPS
    )
    def describe_security_groups(self, request: EC2Input, *, http: reglet.HTTPClient) -> SecurityGroupsOutput:
        """List the security groups of a region."""
        aws = AWSClient.from_environment("ec2", http, request.timeout_seconds, request.region)
        pages = aws.pages(
            "DescribeSecurityGroups", _filters(request.filters), ask="NextToken", answered="nextToken"
        )
        groups = [read_group(item) for page in pages for item in page.listed("securityGroupInfo/item")]
        return SecurityGroupsOutput(
            region=aws.endpoint.region,
            total_groups=len(groups),
            security_groups=groups,
            open_ssh_groups=[group for group in groups if is_open(group, _SSH)],
            open_rdp_groups=[group for group in groups if is_open(group, _RDP)],
        )

    @reglet.operation(
        description="List running instances and those that allow IMDSv1", examples=DESCRIBE_INSTANCES_METADATA
    )
    def describe_instances_metadata(self, request: EC2Input, *, http: reglet.HTTPClient) -> InstancesOutput:
        """List the running instances of a region."""
        aws = AWSClient.from_environment("ec2", http, request.timeout_seconds, request.region)
        filters = _filters({"instance-state-name": ["running"], **request.filters})
        pages = aws.pages("DescribeInstances", filters, ask="NextToken", answered="nextToken")
        instances = [
            read_instance(item)
            for page in pages
            for reservation in page.listed("reservationSet/item")
            for item in reservation.each("instancesSet/item")
        ]
        return InstancesOutput(
            region=aws.endpoint.region,
            total_instances=len(instances),
            instances=instances,
            non_compliant_instances=[each for each in instances if not each.imdsv2_enforced],
        )


def _filters(filters: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return filters as AWS numbers them, in the order given."""
    parameters = {}
    for index, (name, values) in enumerate(filters.items(), start=1):
        parameters[f"Filter.{index}.Name"] = name
        for rank, value in enumerate(values, start=1):
            parameters[f"Filter.{index}.Value.{rank}"] = value
    return parameters
