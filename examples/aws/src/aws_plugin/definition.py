"""What the aws plugin is called and what it asks for; its services add themselves."""

from __future__ import annotations

import reglet
from aws_plugin.credentials import VARIABLES
from aws_plugin.endpoints import HOSTS

plugin = reglet.define_plugin(
    name="aws",
    description="AWS infrastructure inspection and compliance checks",
    capabilities=reglet.GrantSet(
        network=reglet.NetworkCapability(rules=[reglet.NetworkRule(hosts=HOSTS, ports=["443"])]),
        env=reglet.EnvironmentCapability(vars=VARIABLES),
    ),
)
