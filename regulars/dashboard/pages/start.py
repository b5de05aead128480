"""What a new shop's owner does on the overview, step by step (`walk.py`): each one press."""

from litestar import Response, post

from regulars import dispatch, events, integrations, triggers
from regulars.dashboard.desk import Handed
from regulars.dashboard.pages import overview, sandbox
from regulars.dashboard.pages.integrations import initialize
from regulars.dashboard.pages.shop import SETUP, change
from regulars.dashboard.sheets import read
from regulars.dashboard.walk import EXAMPLES, SANDBOX, TOPIC
from regulars.dashboard.words import in_shops_words
from regulars.kit.errors import Refusal


@post("/start/shop")
async def shop(desk: Handed) -> Response[str]:
    form = await desk.form()
    try:
        await change(desk, read(desk, SETUP, form))
    except Refusal as refusal:
        return await overview.page(desk, form.refused(refusal), 422)
    return desk.see("/", "Saved. Next: what earns.")


@post("/start/earn")
async def earn(desk: Handed) -> Response[str]:
    source, name, rule = EXAMPLES[(await desk.form()).choice("example", EXAMPLES)]
    name = in_shops_words(name, desk.workspace)
    async with desk.changing("trigger.create", name) as tx:
        known = {one.source for one in await triggers.list_triggers(tx, desk.id) if one.active}
        if source not in known:
            await triggers.create_trigger(tx, desk.workspace, name, source, rule, desk.now, actor=desk.who.actor)
    return desk.see("/", "Made. It earns from now on.")


@post("/start/sandbox")
async def use_sandbox(desk: Handed) -> Response[str]:
    """All that a first event needs to arrive at a look-alike; what is there already is used."""
    if await sandbox.ask(desk, "GET", "/faults") is None:
        return desk.see("/", "No sandbox runs beside this server: “regulars sandbox” starts it.")
    address = f"{desk.app.settings.sandbox_address(desk.id)}/webhook/shop"
    async with desk.app.db.transaction() as tx:
        tools = await integrations.list_integrations(tx, desk.id)
        tool = next((one for one in tools if one.settings.get("url") == address), None)
        if tool is None:
            given = {"url": address}
            made = await integrations.add(
                tx, desk.id, desk.app.box, tool="webhook", name=SANDBOX, given=given, now=desk.now
            )
            tool = made.integration
            await desk.audit(tx, "integration.create", "webhook")
        if all(rule.integration_id != tool.id for rule in await dispatch.list_rules(tx, desk.id)):
            await dispatch.create_rule(tx, desk.id, topic=TOPIC, integration_id=tool.id, now=desk.now)
            await desk.audit(tx, "rule.create", TOPIC)
        if not desk.workspace.events_on:
            await events.switch(tx, desk.id, True, desk.now)
            await desk.audit(tx, "events.switch_on")
    result = await initialize(desk, tool)
    return desk.see("/", "The sandbox is ready. Next: send a test event." if result.ok else result.sentence)
