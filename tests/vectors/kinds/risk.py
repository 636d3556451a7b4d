"""The risk of grants."""

from __future__ import annotations

from typing import Any

from reglet.domain.policy.risk import RiskLevel, assess_risk
from tests.vectors import go_values as go
from tests.vectors.kinds.grantset import has_unknown_operation
from tests.vectors.rules import Rule
from tests.vectors.running import Vector, must_equal


def run(vector: Vector) -> Rule | None:
    """Compare the level and its factors in order; or a level's name."""
    if vector["kind"] == "level_string":
        return _level_name(vector["input"], vector["expected"])
    wanted = _go_answer(vector["input"] or {})
    must_equal(vector["expected"], wanted)
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
    must_equal(actual, wanted)
    return None


def _go_answer(grants: dict[str, Any]) -> dict[str, Any]:
    """Return what Go's analyzer says."""

    def listed(texts: list[str] | None) -> str:
        return f"[{' '.join(texts or ())}]"

    factors = []
    for rule in (grants.get("network") or {}).get("rules") or ():
        hosts = rule.get("hosts")
        is_open = any(host in ("*", "0.0.0.0") for host in hosts or ())
        of_all = ("Unrestricted network access", "CRITICAL")
        said = of_all if is_open else ("Outbound network access", "MEDIUM")
        factors.append((*said, f"Network: {listed(hosts)}:{listed(rule.get('ports'))}"))
    for rule in (grants.get("fs") or {}).get("rules") or ():
        if rule.get("write"):
            factors.append(("Filesystem write access", "HIGH", f"FS Write: {listed(rule['write'])}"))
        if rule.get("read"):
            factors.append(("Filesystem read access", "MEDIUM", f"FS Read: {listed(rule['read'])}"))
    if commands := (grants.get("exec") or {}).get("commands"):
        factors.append(("Arbitrary command execution", "CRITICAL", f"Exec: {listed(commands)}"))
    if variables := (grants.get("env") or {}).get("vars"):
        factors.append(("Environment variable access", "LOW", f"Env: {listed(variables)}"))
    level = max((_LEVELS.index(level) for _, level, _ in factors), default=0)
    told = [{"description": said, "level": level, "rule": rule} for said, level, rule in factors]
    return {"factors": told, "level": _LEVELS[level], "level_int": level}


_LEVELS = ("NONE", "LOW", "MEDIUM", "HIGH", "CRITICAL")


def _level_name(number: int, expected: str) -> Rule | None:
    is_known = 0 <= number < len(_LEVELS)
    must_equal(expected, _LEVELS[number] if is_known else "UNKNOWN")
    if not is_known:
        return Rule.CLOSED_STATUS
    must_equal(RiskLevel(number).name, expected)
    return None
