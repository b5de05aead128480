"""The demo's shop: what earns, what is offered, two tools, two Send Events rules, a sender of mail."""

import base64
import hmac
from datetime import datetime

import msgspec

from regulars import dispatch, integrations, tenancy, triggers
from regulars.demo import programme, writing
from regulars.kit import Database, SecretBox, Tx
from regulars.kit.settings import Settings
from regulars.sandbox import Receiver
from regulars.tenancy import Workspace
from regulars.triggers import Rule
from regulars.wiring import open_shop

EMAIL = "owner@demo.example"
NAME = "Compact Discs, Corner Shop"
RECEIVER = "demo"
OMNISEND_RATE_PER_MINUTE = 600_000
SANDBOX_COMMAND = ("sandbox", "--omnisend-rate-per-minute", str(OMNISEND_RATE_PER_MINUTE))
"""The sandbox with a rate under which the demo's purchases take seconds, not hours."""


class SignIn(msgspec.Struct, frozen=True):
    email: str
    password: str


async def prepare(settings: Settings, url: str, now: datetime) -> tuple[Workspace, SignIn]:
    """The demo's shop, made when it is not there yet, and how to sign in to it. `url` is the database's."""
    sign_in = SignIn(EMAIL, _derived(settings, "sign-in")[:12])
    db = await Database.connect(url, connections_max=1)
    try:
        async with db.reading() as read:
            shops = [shop for shop in await tenancy.list_workspaces(read) if shop.settings.get("demo")]
        if shops:
            return shops[0], sign_in
        password = await tenancy.hashed(sign_in.password)
        async with db.transaction() as tx:
            return await _make(tx, settings, sign_in, password, now), sign_in
    finally:
        await db.close()


def sandbox_receivers(settings: Settings) -> dict[str, Receiver]:
    """The webhook receivers that the sandbox knows from its start: the demo's, so that it can check signatures."""
    return {RECEIVER: Receiver(secret=_webhook_secret(settings))}


async def _make(tx: Tx, settings: Settings, sign_in: SignIn, password: tenancy.Hashed, now: datetime) -> Workspace:
    shop = await open_shop(tx, NAME, now=now, uri="https://cdnow.example", time_zone="America/New_York")
    shop = await tenancy.change_workspace(tx, shop.id, {"settings": {"demo": True}, "events_on": True}, now)
    await tenancy.add_staff(tx, shop.id, sign_in.email, password, now=now, name="Demo Owner")
    rule = Rule(title="Purchase", coins_per_unit=1)
    await triggers.create_trigger(
        tx, shop, "One coin per whole dollar", "order", rule, now, show_in_widget=True, actor="demo"
    )
    welcome = Rule(title="Welcome", description="For signing up", coins_min=50, coins_max=50)
    await triggers.create_trigger(tx, shop, "Welcome gift", "api", welcome, now, allow_override=True, actor="demo")
    shop = await programme.begin(tx, shop, now)
    box = SecretBox(settings.secret())
    sandbox = settings.sandbox_address(shop.id)
    webhook = await integrations.add(
        tx,
        shop.id,
        box,
        tool="webhook",
        name="Webhook",
        given={"url": f"{sandbox}/webhook/{RECEIVER}", "secret": _webhook_secret(settings)},
        now=now,
    )
    omnisend = await integrations.add(
        tx,
        shop.id,
        box,
        tool="omnisend",
        name="Omnisend",
        given={"host": f"{sandbox}/omnisend", "api_key": "sandbox-demo", "rate_per_minute": OMNISEND_RATE_PER_MINUTE},
        now=now,
    )
    await writing.begin(tx, shop, settings, box, now)
    topic = "walletreward_create"
    await dispatch.create_rule(tx, shop.id, topic=topic, integration_id=webhook.integration.id, now=now)
    await dispatch.create_rule(
        tx,
        shop.id,
        topic=topic,
        integration_id=omnisend.integration.id,
        condition={"all": [{"property": "amount", "operator": "at_least", "value": 100}]},
        now=now,
    )
    return shop


def _webhook_secret(settings: Settings) -> str:
    return "whsec_" + base64.b64encode(bytes.fromhex(_derived(settings, "webhook"))).decode()


def _derived(settings: Settings, purpose: str) -> str:
    """64 hex digits that follow from the installation's secret: the same at each start, and known to nobody else."""
    return hmac.digest(settings.secret().encode(), f"demo {purpose}".encode(), "sha256").hex()
