"""Instances, and whether their metadata service asks for a token."""

from __future__ import annotations

import reglet
from aws_plugin.answer import Answer


@reglet.model
class MetadataOptions:
    """How an instance's metadata service answers."""

    http_tokens: str
    http_endpoint: str


@reglet.model
class Instance:
    """A running instance."""

    instance_id: str
    instance_type: str
    state: str
    imdsv2_enforced: bool
    metadata_options: MetadataOptions
    tags: dict[str, str] = reglet.field(factory=dict)


@reglet.model
class InstancesOutput:
    """The running instances of a region."""

    region: str = reglet.field(description="The region that was asked")
    total_instances: int = reglet.field(description="How many instances run")
    instances: list[Instance] = reglet.field(description="Each of them")
    non_compliant_instances: list[Instance] = reglet.field(
        description="Those whose metadata service answers without a token (IMDSv1)"
    )


def read_instance(item: Answer) -> Instance:
    """Return an instance as AWS describes it."""
    tokens = item.string("metadataOptions/httpTokens")
    return Instance(
        instance_id=item.string("instanceId"),
        instance_type=item.string("instanceType"),
        state=item.string("instanceState/name"),
        imdsv2_enforced=tokens == "required",
        metadata_options=MetadataOptions(tokens, item.string("metadataOptions/httpEndpoint")),
        tags=item.tags(),
    )
