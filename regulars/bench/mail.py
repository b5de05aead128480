"""E-mails a second, from messages that are reserved to answers that are stored: may it be sent, what it says, SMTP."""

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
from regulars.engagement import messages
from regulars.engagement.messages.model import Content, NewMessage
from regulars.kit.ports import free_port
from regulars.tenancy import Workspace

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
    port, many, app = free_port(), stage.plan.mails, stage.app
    command, log = python("regulars.bench.smtp", str(port)), stage.folder / "smtp.log"
    async with running(command, environment=os.environ, log=log) as sink:
        await listening(port, sink)
        stage.say(f"reserving {many:,} messages")
        shop, sender_id, template_id = await mailing_shop(stage, "Mail", port, many)
        async with app.db.reading() as tx:
            ids = [row["id"] for row in await tx.fetch(sql.customers, shop.id)]
        for first in range(0, many, limits.GATHER_ITEMS_MAX):
            some = ids[first : first + limits.GATHER_ITEMS_MAX]
            new = [NewMessage(customer_id=id, template_id=template_id, source_kind="api") for id in some]
            async with app.db.transaction() as tx:
                await messages.send(tx, shop, new, app.clock.now())
        await postgres.settle(stage.url)
        bare, (before, _) = await bare_rate(stage, port), await came(port)
        stage.say(f"sending {many:,} mails, beside {bare:,.0f}/s of the bare client")
        async with stage.working():
            ended_s = await stored(stage, shop.id, sender_id, many)
        after, first_s = await came(port)
        bare = max(bare, await bare_rate(stage, port))
    if not after - before == many == await stage.count("count_sent", shop.id):
        raise BenchFailed(f"of {many:,} mails, {after - before:,} came to the sink")
    against = f"aiosmtplib alone, {limits.MAIL_CONNECTIONS_MAX} connections"
    return [Row("e-mails", many / (ended_s - first_s), against, bare, 0.5)]
