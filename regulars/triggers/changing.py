"""Make and change triggers; each change of the rule is a version."""

from datetime import datetime
from typing import Any, get_args
from uuid import UUID

import msgspec

from regulars import conditions, limits, rewards
from regulars.kit import Conflict, Faults, NotFound, Reading, Tx, invalid, new_id
from regulars.tenancy import Workspace
from regulars.triggers import store
from regulars.triggers.calendar import YEARLY, begin
from regulars.triggers.checking import check_content, check_rule
from regulars.triggers.errors import UnknownTrigger
from regulars.triggers.facts import schema_of
from regulars.triggers.model import NO_CONTENT, Content, Kind, Source, Trigger, writers
from regulars.triggers.rule import Rule
from regulars.triggers.store import sql
from regulars.triggers.tallies import AS_TO_CHAR, budgets_stretches, customers_stretches

CHANGEABLE = ("name", "active", "open", "allow_override", "show_in_widget", "rule", "content")


async def create_trigger(
    tx: Tx,
    workspace: Workspace,
    name: str,
    source: Source,
    rule: Rule,
    now: datetime,
    *,
    kind: Kind = "wallet",
    active: bool = True,
    open: bool = False,
    allow_override: bool = False,
    show_in_widget: bool = False,
    content: Content = NO_CONTENT,
    actor: str = "",
) -> Trigger:
    """Raises Invalid naming each field, and Conflict when there are limits.TRIGGERS_MAX already."""
    for field, given, known in (("source", source, get_args(Source)), ("kind", kind, get_args(Kind))):
        if given not in known:
            raise invalid(field, ", ".join(known))
    name, rule, content = _checked(source, kind, name, rule, content, open)
    await _check_named(tx, workspace, source, rule)
    if await tx.fetchval(sql.count, workspace.id) >= limits.TRIGGERS_MAX:
        raise Conflict(
            f"A shop can have {limits.TRIGGERS_MAX} triggers at most. Change one that is not needed any more."
        )
    trigger = Trigger(
        id=new_id(),
        version=1,
        kind=kind,
        name=name,
        source=source,
        active=active,
        open=open,
        allow_override=allow_override,
        show_in_widget=show_in_widget,
        rule=rule,
        content=content,
        created_at=now,
        updated_at=now,
    )
    await store.save(tx, workspace.id, trigger)
    await store.insert_version(tx, workspace.id, trigger, actor, now)
    if active and source in YEARLY:
        await begin(tx, workspace, now)
    return trigger


async def change_trigger(
    tx: Tx, workspace: Workspace, trigger_id: UUID, changes: dict[str, Any], now: datetime, *, actor: str = ""
) -> Trigger:
    """Set any of CHANGEABLE. Another rule makes a new version; switches, the name and the content do not. Nothing is
    written when nothing is different.

    Raises Invalid naming each field, UnknownTrigger. Locks the trigger.
    """
    kept = await tx.one(store.trigger_of, sql.lock, workspace.id, trigger_id)
    if kept is None:
        raise UnknownTrigger
    for field in changes:
        if field not in CHANGEABLE:
            raise invalid(field, f"one of {', '.join(CHANGEABLE)}")
    changed = msgspec.structs.replace(kept, **changes)
    name, rule, content = _checked(kept.source, kept.kind, changed.name, changed.rule, changed.content, changed.open)
    changed = msgspec.structs.replace(changed, name=name, rule=rule, content=content)
    if changed == kept:
        return kept
    changed = msgspec.structs.replace(changed, updated_at=now)
    if changed.rule != kept.rule:
        await _check_named(tx, workspace, kept.source, rule)
        changed = msgspec.structs.replace(changed, version=kept.version + 1)
        await store.insert_version(tx, workspace.id, changed, actor, now)
        await _count_back(tx, workspace, changed.id, kept.rule, changed.rule)
    await store.save(tx, workspace.id, changed)
    if changed.active and not kept.active and kept.source in YEARLY:
        await begin(tx, workspace, now)
    return changed


async def _check_named(tx: Reading, workspace: Workspace, source: Source, rule: Rule) -> None:
    if rule.condition is not None:
        conditions.parse(rule.condition, schema_of(source, rule, workspace))
    for name, find in (("offer_id", rewards.find_offer), ("template_id", writers[0][1])):
        try:
            if id := getattr(rule, name):
                await find(tx, workspace.id, id)
        except NotFound:
            raise invalid(name, f"the id of one of this shop's {name.removesuffix('_id')}s") from None


async def _count_back(tx: Tx, workspace: Workspace, trigger_id: UUID, before: Rule, after: Rule) -> None:
    """A limit that is new counts what was given before it too, as far back as firings are kept."""
    for budget, stretches in ((False, customers_stretches), (True, budgets_stretches)):
        for name in set(stretches(after)) - set(stretches(before)):
            stretch = AS_TO_CHAR[name]
            await tx.execute(sql.count_back, workspace.id, trigger_id, budget, stretch, workspace.time_zone)


def _checked(
    source: Source, kind: Kind, name: str, rule: Rule, content: Content, open: bool
) -> tuple[str, Rule, Content]:
    faults = Faults()
    name = name.strip()
    if not 1 <= len(name) <= limits.NAME_CHARS_MAX or "\x00" in name:
        faults.add("name", f"1 to {limits.NAME_CHARS_MAX} characters")
    with faults:
        rule = check_rule(source, rule, kind)
    if open and source == "api" and not rule.limited:
        # Whoever reads a page of the shop can fire what is Open as often as they like.
        faults.add("per_day_max", "a limit a day, a month or in all for each customer, since the trigger is Open")
    with faults:
        content = check_content(content)
    faults.check()
    return name, rule, content
