"""Risk: the worst of what a grant allows, and why."""

from __future__ import annotations

from reglet.domain.entities.grants import (
    EnvironmentCapability,
    ExecCapability,
    FileSystemCapability,
    FileSystemRule,
    GrantSet,
    NetworkCapability,
    NetworkRule,
)
from reglet.domain.policy.risk import Risk, RiskFactor, RiskLevel, assess_risk


def test_nothing_granted_is_no_risk():
    """No grants and empty grants have no factors."""
    assert assess_risk(None) == assess_risk(GrantSet()) == Risk()


def test_any_host_is_critical_and_a_named_host_is_medium():
    """The level of a rule depends on whether its hosts are everything."""
    capability = NetworkCapability([NetworkRule(["a.com"], ["443"]), NetworkRule(["*"], ["443"])])
    risk = assess_risk(GrantSet(network=capability))
    assert risk == Risk(
        RiskLevel.CRITICAL,
        (
            RiskFactor(RiskLevel.MEDIUM, "Outbound network access", "Network: [a.com]:[443]"),
            RiskFactor(RiskLevel.CRITICAL, "Unrestricted network access", "Network: [*]:[443]"),
        ),
    )


def test_writing_is_worse_than_reading():
    """A rule that reads and writes gives two factors, the worse first."""
    grants = GrantSet(fs=FileSystemCapability([FileSystemRule(["/etc/**"], ["/tmp/**"])]))
    assert [factor.level for factor in assess_risk(grants).factors] == [RiskLevel.HIGH, RiskLevel.MEDIUM]


def test_variables_are_low_and_commands_critical():
    """Running programs is the greatest risk, reading the environment a small one, in the analyser's order."""
    grants = GrantSet(env=EnvironmentCapability(["HOME"]), exec=ExecCapability(["/bin/ls"]))
    levels = [factor.level for factor in assess_risk(grants).factors]
    assert levels == [RiskLevel.CRITICAL, RiskLevel.LOW]
