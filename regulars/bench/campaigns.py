"""Campaigns: how fast the recipients of one are found, and its mails sent."""

import os
import time
from uuid import UUID

from regulars import limits
from regulars.bench import mail, postgres
from regulars.bench.children import BenchFailed, listening, python, running
from regulars.bench.deliveries import stored
from regulars.bench.figures import Row
from regulars.bench.stage import Stage
from regulars.engagement import campaigns
from regulars.engagement.campaigns import RUN, Campaign, Terms, Variant
from regulars.kit.ports import free_port
from regulars.tenancy import Workspace
from regulars.worker.doing import Doing


async def measure(stage: Stage) -> list[Row]:
    port = free_port()
    command, log = python("regulars.bench.smtp", str(port)), stage.folder / "smtp.log"
    async with running(command, environment=os.environ, log=log) as sink:
        await listening(port, sink)
        return [await _built(stage, port), await _sent(stage, port)]


async def _launched(stage: Stage, name: str, port: int, many: int, **more: object) -> tuple[Workspace, UUID, Campaign]:
    """To so many customers of a shop of its own."""
    stage.say(f"filling a shop with {many:,} customers")
    shop, sender_id, template_id = await mail.mailing_shop(stage, name, port, many)
    await postgres.settle(stage.url)
    async with stage.app.db.transaction() as tx:
        terms, now = Terms(name=name, variants=(Variant(template_id),), **more), stage.app.clock.now()  # type: ignore[arg-type]
        one = await campaigns.create_campaign(tx, shop, terms, now)
        return shop, sender_id, await campaigns.launch(tx, shop, one.id, now)


async def _built(stage: Stage, port: int) -> Row:
    many, app = stage.plan.segment_customers, stage.app
    shop, _, one = await _launched(stage, "Recipients", port, many, per_minute=1)
    doing, began = Doing(app.db, app.clock, {RUN: campaigns.run}), time.monotonic()
    while one.state != "sending":
        await doing.round()
        await doing.turns.finish()
        async with app.db.reading() as tx:
            one = await campaigns.find_campaign(tx, shop.id, one.id)
    took_s = time.monotonic() - began
    if one.recipients != many:
        raise BenchFailed(f"{one.recipients:,} recipients were found, of {many:,}")
    async with app.db.transaction() as tx:
        await campaigns.cancel(tx, shop, one.id, app.clock.now())
    insert_s = await postgres.last_statement_s(
        stage.url,
        "CREATE TABLE bench_recipient (LIKE campaigns_recipient INCLUDING ALL)",
        "CHECKPOINT",
        "INSERT INTO bench_recipient (workspace_id, campaign_id, customer_id, variant, due_at)"
        f" SELECT workspace_id, '{one.id}', id, 0, now() FROM customers_customer WHERE workspace_id = '{shop.id}'",
    )
    return Row("recipients found", many / took_s, "one INSERT ... SELECT", many / insert_s, 0.3)


async def _sent(stage: Stage, port: int) -> Row:
    many = stage.plan.mails
    before, (had, _) = await mail.bare_rate(stage, port), await mail.came(port)
    shop, sender_id, one = await _launched(stage, "Campaign", port, many)
    stage.say(f"sending a campaign of {many:,} mails, beside {before:,.0f}/s of the bare client")
    async with stage.working():
        ended_s = await stored(stage, shop.id, sender_id, many)
    got, first_s = await mail.came(port)
    async with stage.app.db.reading() as tx:
        report = await campaigns.report(tx, shop.id, one)
    if not got - had == many == report.came.sent:
        raise BenchFailed(f"of {many:,} mails, {report.came.sent:,} are said to be sent and {got - had:,} came")
    bare = max(before, await mail.bare_rate(stage, port))
    against = f"aiosmtplib alone, {limits.MAIL_CONNECTIONS_MAX} connections"
    return Row("e-mails of a campaign", many / (ended_s - first_s), against, bare, 0.5)
