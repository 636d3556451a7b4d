"""Security groups: what they let in, and from where."""

from __future__ import annotations

import reglet
from aws_plugin.answer import Answer

_ANYWHERE = frozenset({"0.0.0.0/0", "::/0"})
_EVERY_PROTOCOL = "-1"


@reglet.model
class IngressRule:
    """What a group lets in; without ports it is all of them."""

    protocol: str
    from_port: int | None = None
    to_port: int | None = None
    cidr_blocks: list[str] = reglet.field(factory=list)
    ipv6_cidr_blocks: list[str] = reglet.field(factory=list)
    description: str = ""


@reglet.model
class SecurityGroup:
    """A security group and its rules."""

    group_id: str
    group_name: str
    vpc_id: str = ""
    description: str = ""
    tags: dict[str, str] = reglet.field(factory=dict)
    ingress_rules: list[IngressRule] = reglet.field(factory=list)


@reglet.model
class SecurityGroupsOutput:
    """The security groups of a region."""

    region: str = reglet.field(description="The region that was asked")
    total_groups: int = reglet.field(description="How many groups there are")
    security_groups: list[SecurityGroup] = reglet.field(description="Each of them")
    open_ssh_groups: list[SecurityGroup] = reglet.field(description="Those that let anyone in at port 22")
    open_rdp_groups: list[SecurityGroup] = reglet.field(description="Those that let anyone in at port 3389")


def read_group(item: Answer) -> SecurityGroup:
    """Return a group as AWS describes it."""
    return SecurityGroup(
        group_id=item.string("groupId"),
        group_name=item.string("groupName"),
        vpc_id=item.string("vpcId"),
        description=item.string("groupDescription"),
        tags=item.tags(),
        ingress_rules=[_rule(rule) for rule in item.each("ipPermissions/item")],
    )


def is_open(group: SecurityGroup, port: int) -> bool:
    """Whether anyone may connect to a port through a group."""
    return any(_lets_anyone_in(rule) and _covers(rule, port) for rule in group.ingress_rules)


def _rule(item: Answer) -> IngressRule:
    ranges = list(item.each("ipRanges/item"))
    return IngressRule(
        protocol=item.needed("ipProtocol"),
        from_port=item.number("fromPort"),
        to_port=item.number("toPort"),
        cidr_blocks=[each.string("cidrIp") for each in ranges],
        ipv6_cidr_blocks=[each.string("cidrIpv6") for each in item.each("ipv6Ranges/item")],
        description=next(filter(None, (each.string("description") for each in ranges)), ""),
    )


def _lets_anyone_in(rule: IngressRule) -> bool:
    return not _ANYWHERE.isdisjoint([*rule.cidr_blocks, *rule.ipv6_cidr_blocks])


def _covers(rule: IngressRule, port: int) -> bool:
    if rule.protocol == _EVERY_PROTOCOL:
        return True
    if rule.protocol != "tcp" or rule.from_port is None or rule.to_port is None:
        return False
    return rule.from_port <= port <= rule.to_port
