"""Campaigns: how fast the recipients of one are found, and its mails sent."""

import asyncio
import os
import time
from email.message import EmailMessage
from uuid import UUID

from aiosmtplib import SMTP

from regulars import channels, limits, tenancy
from regulars.bench import postgres
from regulars.bench.children import BenchFailed, listening, python, running
from regulars.bench.deliveries import stored
from regulars.bench.figures import Row
from regulars.bench.stage import Stage, sql
from regulars.channels import Checked
from regulars.delivery import CheckResult
from regulars.engagement import campaigns, messages
from regulars.engagement.campaigns import RUN, Campaign, Terms, Variant
from regulars.engagement.messages.model import Content
from regulars.kit.ports import free_port
from regulars.tenancy import Workspace
from regulars.worker.doing import Doing

BODY = "<h1>Hello {{ user_name | default: 'there' }}</h1><p>You have {{ user_available_balance }} coins to spend.</p>"
BODY += "<p>What is new this week is told here. <a href='https://shop.example/'>Come by</a>.</p>" * 3
BODY += "<p>What else is new in the shop this week is told here, in words.</p>\n" * 60


async def mailing_shop(stage: Stage, name: str, port: int, customers: int) -> tuple[Workspace, UUID, UUID]:
    """A shop with so many customers, its sender, whose mail goes to that port, and a template."""
    app, shop, said = stage.app, await stage.shop(name), Content(subject="{{ user_name }}, come by", body=BODY)
    given = {"sender_name": "Shop", "sender_email": "hello@shop.example", "server": "127.0.0.1", "port": port}
    given |= {"security": "none", "rate_per_minute": limits.RATE_PER_MINUTE_MAX}
    async with app.db.transaction() as tx:
        now, awake = app.clock.now(), {"settings": {"messages": {"quiet_from": 0, "quiet_until": 0}}}
        shop = await tenancy.change_workspace(tx, shop.id, awake, now)
        await tx.execute(sql.fill_customers, shop.id, customers, now)
        made = await channels.add(tx, shop.id, app.box, tool="smtp", name="Sink", given=given, now=now)
        await channels.conclude(tx, made.sender, Checked(CheckResult(True, "")), now)
        template = await messages.create_template(tx, shop.id, "Coins", "email", "", said, now, actor="bench")
    return shop, made.sender.id, template.id


async def came(port: int) -> tuple[int, float]:
    """What the sink says."""
    async with SMTP(hostname="127.0.0.1", port=port, start_tls=False) as client:
        mails, first_s = (await client.noop()).message.split()
    return int(mails), float(first_s)


async def bare_rate(stage: Stage, port: int) -> float:
    """What aiosmtplib hands over a second of one mail that is as long, by as many connections as a sender has."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "hello@shop.example", "0@shop.example", "Customer 0, come by"
    mail.set_content(BODY)
    mail.add_alternative(BODY, subtype="html")
    data, until = mail.as_bytes(), time.monotonic() + stage.plan.bare_s

    async def hand_over() -> int:
        mails = 0
        async with SMTP(hostname="127.0.0.1", port=port, start_tls=False) as client:
            while time.monotonic() < until:
                await client.sendmail("hello@shop.example", ["0@shop.example"], data)
                mails += 1
        return mails

    return sum(await asyncio.gather(*(hand_over() for _ in range(limits.MAIL_CONNECTIONS_MAX)))) / stage.plan.bare_s


async def measure(stage: Stage) -> list[Row]:
    port = free_port()
    command, log = python("regulars.bench.smtp", str(port)), stage.folder / "smtp.log"
    async with running(command, environment=os.environ, log=log) as sink:
        await listening(port, sink)
        return [await _built(stage, port), await _sent(stage, port)]


async def _launched(stage: Stage, name: str, port: int, many: int, **more: object) -> tuple[Workspace, UUID, Campaign]:
    """To so many customers of a shop of its own."""
    stage.say(f"filling a shop with {many:,} customers")
    shop, sender_id, template_id = await mailing_shop(stage, name, port, many)
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
    before, (had, _) = await bare_rate(stage, port), await came(port)
    shop, sender_id, one = await _launched(stage, "Campaign", port, many)
    stage.say(f"sending a campaign of {many:,} mails, beside {before:,.0f}/s of the bare client")
    async with stage.working():
        ended_s = await stored(stage, shop.id, sender_id, many)
    got, first_s = await came(port)
    async with stage.app.db.reading() as tx:
        report = await campaigns.report(tx, shop.id, one)
    if not got - had == many == report.came.sent:
        raise BenchFailed(f"of {many:,} mails, {report.came.sent:,} are said to be sent and {got - had:,} came")
    bare = max(before, await bare_rate(stage, port))
    against = f"aiosmtplib alone, {limits.MAIL_CONNECTIONS_MAX} connections"
    return Row("e-mails of a campaign", many / (ended_s - first_s), against, bare, 0.5)
