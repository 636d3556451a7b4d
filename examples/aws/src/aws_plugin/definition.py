"""What the aws plugin is called and what it asks for; its services add themselves."""

from __future__ import annotations

import reglet
from aws_plugin.credentials import VARIABLES

plugin = reglet.define_plugin(
    name="aws",
    description="AWS infrastructure inspection and compliance checks",
    capabilities=reglet.GrantSet(
        network=reglet.NetworkCapability(
            rules=[reglet.NetworkRule(hosts=["ec2.*.amazonaws.com", "iam.amazonaws.com"], ports=["443"])]
        ),
        env=reglet.EnvironmentCapability(vars=VARIABLES),
    ),
)
