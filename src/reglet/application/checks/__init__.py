"""Ready-made checks: from a config without a model to a Result."""

from __future__ import annotations

from reglet.application.checks.connections import run_smtp_check, run_tcp_check
from reglet.application.checks.dns import run_dns_check
from reglet.application.checks.http import run_http_check

__all__ = ["run_dns_check", "run_http_check", "run_smtp_check", "run_tcp_check"]
