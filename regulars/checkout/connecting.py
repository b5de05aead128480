"""Connecting the checkout, changing its rules, its secrets, and disconnecting it; whether a call was signed by the
shop, by Standard Webhooks, as this program signs what it sends itself."""

import hmac
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import msgspec

from regulars import limits
from regulars.checkout.errors import NotConnected, SignatureWrong
from regulars.checkout.model import Connection, Rules
from regulars.checkout.store import connection_of, sql
from regulars.kit import Reading, SecretBox, Tx, Unreadable
from regulars.kit.webhooks import key_bytes, new_secret, signature
from regulars.tenancy import Workspace


class Connected(msgspec.Struct, frozen=True):
    """A connection; with its secret where that was just made: shown now and never again."""

    connection: Connection
    secret: str = ""
    changed: bool = True


class Known(msgspec.Struct, frozen=True):
    """A connection as calls to it are checked by; `secrets` may have signed them now."""

    connection: Connection
    secrets: list[str]


async def connect(tx: Tx, workspace: Workspace, box: SecretBox, rules: Rules, now: datetime) -> Connected:
    """Connect it, with an address and a secret of its own; or change the rules, where it is connected already."""
    hook_id, secret = uuid4(), new_secret()
    sealed = box.seal({"secret": secret}, workspace_id=workspace.id, thing_id=hook_id)
    made = await tx.fetchval(sql.insert_connection, workspace.id, hook_id, sealed, msgspec.to_builtins(rules), now)
    if made is None:
        known = await _locked(tx, workspace.id)
        if known.rules == rules:
            return Connected(known, changed=False)
        await _update(tx, msgspec.structs.replace(known, rules=rules), now)
        secret = ""
    tx.say_changed(workspace.id)
    return Connected(await _locked(tx, workspace.id), secret)


async def rotate(tx: Tx, workspace_id: UUID, box: SecretBox, now: datetime) -> Connected:
    """A new secret; the one there was goes on proving calls for limits.SECRET_ROTATION_S. Raises NotConnected."""
    known, secret = await _locked(tx, workspace_id), new_secret()
    secrets = {"secret": secret}
    # One that was sealed with a key that this server does not have any more proves nothing.
    with suppress(Unreadable):
        secrets["previous"] = _opened(known, box)["secret"]
    sealed = box.seal(secrets, workspace_id=workspace_id, thing_id=known.hook_id)
    until = now + timedelta(seconds=limits.SECRET_ROTATION_S)
    await _update(tx, msgspec.structs.replace(known, sealed=sealed, previous_until=until), now)
    tx.say_changed(workspace_id)
    return Connected(await _locked(tx, workspace_id), secret)


async def disconnect(tx: Tx, workspace_id: UUID) -> None:
    """Its address is nobody's from now on; what was taken stays taken, what is held is captured by its orders as
    before. Raises NotConnected."""
    if await tx.fetchval(sql.delete_connection, workspace_id) is None:
        raise NotConnected
    tx.say_changed(workspace_id)


async def known_by_hook(tx: Reading, hook_id: UUID, box: SecretBox, now: datetime) -> Known | None:
    """None: nobody has this address. What can't be decrypted is no secret."""
    found = await tx.one(connection_of, sql.by_hook, hook_id)
    if found is None:
        return None
    try:
        secrets = _opened(found, box)
    except Unreadable:
        return Known(found, [])
    previous_holds = found.previous_until is not None and now < found.previous_until
    live = [secrets["secret"], *([secrets["previous"]] if previous_holds and "previous" in secrets else [])]
    return Known(found, live)


def _opened(of: Connection, box: SecretBox) -> dict[str, str]:
    return box.open(of.sealed, workspace_id=of.workspace_id, thing_id=of.hook_id)


async def _locked(tx: Tx, workspace_id: UUID) -> Connection:
    found = await tx.one(connection_of, sql.lock_connection, workspace_id)
    if found is None:
        raise NotConnected
    return found


async def _update(tx: Tx, to: Connection, now: datetime) -> None:
    rules = msgspec.to_builtins(to.rules)
    await tx.execute(sql.update_connection, to.workspace_id, to.sealed, to.previous_until, rules, now)


def verify(secrets: Sequence[str], headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """By any of the secrets, in a time that tells nothing of how much of a signature was right. Raises
    SignatureWrong."""
    webhook_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    given = headers.get("webhook-signature", "")
    for name, value in (("webhook-id", webhook_id), ("webhook-timestamp", timestamp), ("webhook-signature", given)):
        if not value:
            raise SignatureWrong(f"The header {name} is missing.", fields={name: "expected a value"})
    at_s = int(timestamp) if timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12 else 0
    if abs(now.timestamp() - at_s) > limits.CHECKOUT_SIGNED_S:
        minutes = limits.CHECKOUT_SIGNED_S // 60
        raise SignatureWrong(
            "The call was not signed just now.",
            fields={"webhook-timestamp": f"expected the Unix time in seconds, at most {minutes} minutes away"},
        )
    right = [signature(key_bytes(secret), webhook_id, timestamp, body).encode() for secret in secrets]
    claimed = [
        part.removeprefix("v1,").encode("utf-8", "surrogateescape")
        for part in given.split(" ")[: limits.CHECKOUT_SIGNATURES_MAX]
    ]
    if sum(hmac.compare_digest(one, other) for one in right for other in claimed) == 0:
        raise SignatureWrong(
            "The signature is not that of this call.",
            fields={"webhook-signature": "expected v1, and HMAC-SHA256 in base64 over id.timestamp.body"},
        )
