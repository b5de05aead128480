"""A test of a source: an order is made up as its platform would send it, signed, let in, read, and rehearsed."""

from base64 import b64encode
from datetime import datetime

import msgspec

from regulars import triggers
from regulars.kit import Database, Reading, Refusal, SecretBox, counted, money
from regulars.kit.http import Sender
from regulars.shops.asking import try_asking
from regulars.shops.connecting import live_secrets
from regulars.shops.discounts import try_discounts
from regulars.shops.handling import read
from regulars.shops.intake import Known, admit, verify
from regulars.shops.model import OrderSaid, Source, signed
from regulars.shops.platforms import PLATFORMS
from regulars.tenancy import Workspace


class Tested(msgspec.Struct, frozen=True):
    """What came of a test, in words."""

    ok: bool
    sentence: str


async def test(
    db: Database, sender: Sender, workspace: Workspace, source: Source, box: SecretBox, now: datetime
) -> Tested:
    """Nothing is written. Where the platform's own API is asked for what was missed, it is tried too; so this must not
    be called inside a transaction. Raises Unreadable for its secrets, and Conflict for a platform that is not known."""
    async with db.reading() as tx:
        tested = await _rehearse(tx, workspace, source, box, now)
    discounts = source.settings.get("coupons") == "yes"
    if not tested.ok or (source.asks_at is None and not discounts):
        return tested
    if source.asks_at and (why := await try_asking(sender, source, box, now)):
        return Tested(False, f"Hooks are taken. What was missed can't be fetched: {why}")
    if discounts and (why := await try_discounts(sender, source, box)):
        return Tested(False, f"Hooks are taken. Coupons can't be made there: {why}")
    return Tested(True, f"{tested.sentence} The shop's own API answers too.")


async def _rehearse(tx: Reading, workspace: Workspace, source: Source, box: SecretBox, now: datetime) -> Tested:
    platform = PLATFORMS.kept(source.platform)
    secrets = live_secrets(source, box, now)
    headers, made = platform.example(now, workspace.currency_code, source.settings)
    body = msgspec.json.encode(made)
    if secrets:
        headers[platform.signature_header] = b64encode(signed(body, secrets[0])).decode()
    known = Known(source, secrets)
    try:
        envelope = admit(known, headers)
        verify(known, envelope, body)
        said = read(envelope.topic, body, source)
        assert isinstance(said, OrderSaid)
        (answer,) = (await triggers.rehearse_orders(tx, workspace, [said.report], now)).answers
    except Refusal as refusal:
        return Tested(False, refusal.message)
    if isinstance(answer, Refusal):
        return Tested(False, answer.message)
    coins = triggers.granted_coins(answer.firings)
    why = next((firing.explanation for firing in answer.firings if firing.explanation), "no trigger reacts to orders.")
    earns = f"would earn {counted(coins, workspace.coin_name)}" if coins else f"would earn nothing: {why}"
    amount = money(130, workspace.currency_code, workspace.currency_symbol)
    return Tested(
        True, f"A sample order of {amount} was signed, let in and read as a real one is. It {earns.rstrip('.')}."
    )
