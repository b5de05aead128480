"""What a txn's hash covers, version by version. A column that comes later changes nothing that was hashed before."""

from collections.abc import Sequence
from hashlib import sha256
from operator import attrgetter

import msgspec

from regulars.ledger.model import Lot, Transfer, Txn

HASH_VERSION = 1

_TXN = {
    1: attrgetter(
        *("hash_version", "id", "customer_id", "kind", "seq", "act", "type", "operation", "amount", "closing_balance"),
        *("credited", "debited", "title", "description", "status", "reference", "trigger_id", "trigger_version"),
        *("source_txn_id", "target", "actor", "key", "held_until", "occurred_at", "recorded_at"),
    )
}
_TRANSFER = {1: attrgetter("n", "from_account", "to_account", "amount", "lot_id", "extends_to")}
_LOT = {1: attrgetter("id", "kind", "amount", "activates_at", "expires_at", "earned_at")}

_encode = msgspec.json.Encoder().encode


def chain_hash(previous: bytes, txn: Txn, transfers: Sequence[Transfer], lot: Lot | None) -> bytes:
    """SHA-256 over the wallet's previous hash and, as JSON, the named fields of the txn, its `wire_hash` unless that
    was cut from the hash itself, its transfers in their order, and the lot it brought. Times are in UTC, as the
    database answers them. Raises KeyError for a version that was never written."""
    version = txn.hash_version
    named = "" if txn.hash and txn.wire_hash == wire_hash_of(txn.hash) else txn.wire_hash
    said = (_TXN[version](txn), named, [_TRANSFER[version](one) for one in transfers], lot and _LOT[version](lot))
    return sha256(previous + _encode(said)).digest()


def wire_hash_of(hash: bytes) -> str:
    """What a txn is called on the wire unless its caller named it: 40 hex digits, as many as a SHA-1 has."""
    return hash.hex()[:40]
