"""Send Events rules: made, changed, stopped, deleted."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from regulars import limits
from regulars.dispatch.model import Rule, checked_active, checked_condition, checked_prefix, checked_topic
from regulars.kit import Conflict, Faults, NotFound, Queries, Reading, Tx, invalid, new_id

_sql = Queries(__file__)
_CHANGEABLE = ("integration_id", "prefix", "condition", "active")
_CHECKS: dict[str, Callable[[Any, str], Any]] = {
    "prefix": lambda prefix, topic: checked_prefix(prefix),
    "condition": checked_condition,
    "active": lambda active, topic: checked_active(active),
}


async def create_rule(
    tx: Tx,
    workspace_id: UUID,
    *,
    topic: str,
    integration_id: UUID,
    prefix: str = "",
    condition: object = None,
    active: bool = True,
    now: datetime,
) -> Rule:
    """`condition` is the JSON form of the conditions room, None for every event. Raises Invalid naming each field."""
    faults = Faults()
    with faults:
        topic = checked_topic(topic)
        with faults:
            condition = checked_condition(condition, topic)
    with faults:
        prefix = checked_prefix(prefix)
    with faults:
        active = checked_active(active)
    with faults:
        await _check_integration(tx, workspace_id, integration_id)
    faults.check()
    if await tx.fetchval(_sql.count_rules, workspace_id) >= limits.RULES_MAX:
        raise Conflict(f"A shop can have {limits.RULES_MAX} rules at most. Delete one that is not needed.")
    rule_id = new_id()
    await tx.execute(_sql.insert_rule, workspace_id, rule_id, topic, integration_id, prefix, condition, active, now)
    await tx.execute(_sql.keep_version, workspace_id, rule_id)
    return await get_rule(tx, workspace_id, rule_id)


async def change_rule(tx: Tx, workspace_id: UUID, rule_id: UUID, changes: Mapping[str, Any], now: datetime) -> Rule:
    """Set any of integration_id, prefix, condition, active. Events matched before keep the tool and name they had.
    Nothing is written when nothing is different.

    Raises Invalid naming each field, NotFound.
    """
    rule = await get_rule(tx, workspace_id, rule_id)
    if rule.deleted_at is not None:
        raise NotFound(_MISSING)
    for field in changes:
        if field not in _CHANGEABLE:
            raise invalid(field, f"one of {', '.join(_CHANGEABLE)}; for another event, create another rule")
    # Only what is changed is checked: a catalogue that has moved on must not keep a rule from being stopped.
    changed = dict(changes)
    faults = Faults()
    for field, check in _CHECKS.items():
        with faults:
            if field in changed:
                changed[field] = check(changed[field], rule.topic)
    with faults:
        if changed.get("integration_id", rule.integration_id) != rule.integration_id:
            await _check_integration(tx, workspace_id, changed["integration_id"])
    faults.check()
    known, rule = rule, msgspec.structs.replace(rule, **changed)
    if rule == known:
        return known
    kept = (rule.integration_id, rule.prefix, rule.condition, rule.active)
    await tx.execute(_sql.update_rule, workspace_id, rule_id, *kept, now)
    await tx.execute(_sql.keep_version, workspace_id, rule_id)
    return await get_rule(tx, workspace_id, rule_id)


async def delete_rule(tx: Tx, workspace_id: UUID, rule_id: UUID, now: datetime) -> None:
    """It matches nothing any more; what it has queued is still sent. Raises NotFound."""
    if await tx.fetchval(_sql.delete_rule, workspace_id, rule_id, now) is None:
        raise NotFound(_MISSING)


async def end_rules_of(tx: Tx, workspace_id: UUID, integration_id: UUID, now: datetime) -> int:
    """How many ended with the integration they named."""
    ended = [rule for rule in await list_rules(tx, workspace_id) if rule.integration_id == integration_id]
    for rule in ended:
        await delete_rule(tx, workspace_id, rule.id, now)
    return len(ended)


async def get_rule(tx: Reading, workspace_id: UUID, rule_id: UUID) -> Rule:
    """Deleted ones too, with `deleted_at` set: a delivery may still name its rule. Raises NotFound."""
    return await tx.the(_MISSING, Rule, _sql.rule, workspace_id, rule_id, limits.EVENTS_COUNTED_MAX)


async def list_rules(tx: Reading, workspace_id: UUID) -> list[Rule]:
    """Those that are not deleted, oldest first."""
    return await tx.all(Rule, _sql.rules, workspace_id, limits.EVENTS_COUNTED_MAX)


async def _check_integration(tx: Reading, workspace_id: UUID, integration_id: object) -> None:
    if not isinstance(integration_id, UUID) or not await tx.fetchval(_sql.integration, workspace_id, integration_id):
        raise invalid("integration_id", "the id of one of this shop's integrations")


_MISSING = "This rule does not exist, or was deleted."
