"""Send Events rules: made, changed, stopped, deleted."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from regulars import limits
from regulars.dispatch.mapping import checked_mapping
from regulars.dispatch.model import Rule, RuleSettings, checked_condition, checked_prefix, checked_topic
from regulars.dispatch.terms import checked_schedule
from regulars.kit import Conflict, Faults, NotFound, Queries, Reading, Tx, invalid, new_id
from regulars.kit.fitting import note_unfit

_sql = Queries(__file__)
_encode = msgspec.json.Encoder(order="deterministic").encode
_CHECKS: dict[str, Callable[[Any, str], Any]] = {
    "prefix": lambda prefix, topic: checked_prefix(prefix),
    "condition": checked_condition,
    "mapping": checked_mapping,
    "schedule": lambda schedule, topic: checked_schedule(schedule),
}


async def draft_rule(
    tx: Reading, workspace_id: UUID, given: Mapping[str, Any], now: datetime, kept: Rule | None = None
) -> Rule:
    """The rule with what is given of it, or else a new one, as it would be: nothing is written. `condition` is the JSON
    form of the conditions room. Raises Invalid naming each field."""
    faults, changed, topic = Faults(), dict(given), kept.topic if kept else given.get("topic")
    with faults:
        if kept is None:
            topic = checked_topic(changed.pop("topic", None))
    by_type = changed.keys() - {"integration_id", "prefix", "condition"}
    note_unfit(faults, RuleSettings, {name: changed[name] for name in by_type})
    # Only what is changed is checked: a catalogue that has moved on must not keep a rule from being stopped.
    for field, check in _CHECKS.items():
        with faults:
            if field in changed and field not in faults.fields:
                if field == "mapping" and changed[field]:
                    checked_topic(topic)
                changed[field] = check(changed[field], str(topic))
    rule = kept or Rule(new_id(), str(topic), UUID(int=0), "", None, True, now, now, None, "", "")
    with faults:
        if kept is None or changed.get("integration_id", rule.integration_id) != rule.integration_id:
            changed |= await _integration(tx, workspace_id, changed.get("integration_id"))
    faults.check()
    return msgspec.structs.replace(rule, **changed)


async def create_rule(tx: Tx, workspace_id: UUID, *, now: datetime, **given: Any) -> Rule:
    """Of a `topic` to an `integration_id`, with what else a rule has. Raises Invalid naming each field."""
    rule = await draft_rule(tx, workspace_id, given, now)
    if await tx.fetchval(_sql.count_rules, workspace_id) >= limits.RULES_MAX:
        raise Conflict(f"A shop can have {limits.RULES_MAX} rules at most. Delete one that is not needed.")
    await tx.execute(_sql.insert_rule, workspace_id, rule.id, rule.topic, *_kept(rule), now)
    await tx.execute(_sql.keep_version, workspace_id, rule.id)
    return await get_rule(tx, workspace_id, rule.id)


async def change_rule(tx: Tx, workspace_id: UUID, rule_id: UUID, changes: Mapping[str, Any], now: datetime) -> Rule:
    """Set any of its fields but the topic. Events matched before keep the tool, the name and the properties they had.
    Nothing is written when nothing is different.

    Raises Invalid naming each field, NotFound.
    """
    known = await get_rule(tx, workspace_id, rule_id)
    if known.deleted_at is not None:
        raise NotFound(_MISSING)
    rule = await draft_rule(tx, workspace_id, changes, now, known)
    # As JSON has it: to Python 1 and true are equal.
    if _encode(_kept(rule)) == _encode(_kept(known)):
        return known
    await tx.execute(_sql.update_rule, workspace_id, rule_id, *_kept(rule), now)
    await tx.execute(_sql.keep_version, workspace_id, rule_id)
    return await get_rule(tx, workspace_id, rule_id)


def _kept(rule: Rule) -> tuple[Any, ...]:
    of = (rule.integration_id, rule.prefix, rule.condition, rule.active)
    return *of, rule.mapping or None, rule.sample_percent, rule.schedule


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


async def _integration(tx: Reading, workspace_id: UUID, integration_id: object) -> dict[str, Any]:
    found = isinstance(integration_id, UUID) and await tx.fetchrow(_sql.integration, workspace_id, integration_id)
    if not found:
        raise invalid("integration_id", "the id of one of this shop's integrations")
    return {"tool": found["tool"], "integration_name": found["name"]}


_MISSING = "This rule does not exist, or was deleted."
