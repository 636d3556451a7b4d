"""The aws plugin: its definition, with the services that importing it adds."""

from __future__ import annotations

from aws_plugin import ec2, iam
from aws_plugin.definition import plugin

__all__ = ["ec2", "iam", "plugin"]
