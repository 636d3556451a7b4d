"""The risk of grants."""

from __future__ import annotations

from reglet.domain.policy.risk import RiskLevel, assess_risk
from tests.vectors import go_values as go
from tests.vectors.kinds.grantset import has_unknown_operation
from tests.vectors.rules import Rule
from tests.vectors.running import Vector, must_equal


def run(vector: Vector) -> Rule | None:
    """Compare the level and its factors in order; or a level's name."""
    if vector["kind"] == "level_string":
        return _level_name(vector["input"], vector["expected"])
    if has_unknown_operation(vector["input"]):
        return Rule.CLOSED_STATUS
    risk = assess_risk(go.grants(vector["input"]))
    actual = {
        "factors": [
            {"description": each.description, "level": each.level.name, "rule": each.rule}
            for each in risk.factors
        ],
        "level": risk.level.name,
        "level_int": int(risk.level),
    }
    must_equal(actual, vector["expected"])
    return None


def _level_name(number: int, expected: str) -> Rule | None:
    try:
        must_equal(RiskLevel(number).name, expected)
    except ValueError:
        must_equal("UNKNOWN", expected)
        return Rule.CLOSED_STATUS
    return None
