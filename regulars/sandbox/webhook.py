"""A look-alike of a shop's own webhook receiver: it checks signatures as receivers do, with the library they use."""

import hmac
import re
from hashlib import sha256

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from regulars.sandbox.memory import Call, Memory
from regulars.sandbox.reply import Reply
from regulars.sandbox.settings import Receiver, Settings


class WebhookReceivers:
    """A receiver that was not given a secret takes every call, and says that it could not check it."""

    def __init__(self, memory: Memory, settings: Settings) -> None:
        self._memory = memory
        self._receivers: dict[str, Receiver] = {}
        self._standard: dict[str, Webhook] = {}
        for name, receiver in settings.receivers.items():
            self.put(name, receiver)

    def put(self, name: str, receiver: Receiver) -> None:
        """Raises ValueError for a secret that is none."""
        if receiver.style == "standard":
            self._standard[name] = Webhook(receiver.secret)
        self._receivers[name] = receiver

    def answer(self, call: Call) -> Reply:
        if call.method != "POST":
            return Reply.json(405, {"error": "A webhook is posted."}, "not a POST")
        name = call.path.partition("?")[0].removeprefix("/")
        receiver = self._receivers.get(name)
        if receiver is None:
            wrong, words = None, "taken; the sandbox was given no secret to check it with"
        elif receiver.style == "standard":
            wrong, words = self._wrong_standard(name, call), "taken; the signature is right"
        else:
            wrong, words = _wrong_nector(receiver, call), "taken; the signature is right"
        if wrong is not None:
            return Reply.json(401, {"error": wrong}, wrong)
        delivery_id = call.headers.get("webhook-id") or call.headers.get("x-nector-delivery-id")
        if delivery_id is None:
            return Reply.json(400, {"error": "no webhook-id"}, "no webhook-id")
        if not self._memory.accept("webhook", delivery_id):
            words = "taken before; this is a duplicate"
        return Reply(200, b'{"ok":true}', words=words)

    def fault(self, status: int, retry_after_s: int) -> Reply:
        headers = f"retry-after: {retry_after_s}\r\n" if status in (429, 503) else ""
        return Reply(status, b'{"error":"The sandbox was told to answer this."}', headers=headers)

    def _wrong_standard(self, name: str, call: Call) -> str | None:
        try:
            self._standard[name].verify(call.body, call.headers, json_parse=False)
        except WebhookVerificationError as error:
            return str(error)
        except ValueError:
            # The library lets a signature through that it can't take apart.
            return "Invalid Signature Headers"
        return None


def _wrong_nector(receiver: Receiver, call: Call) -> str | None:
    for name in ("x-nector-webhook-hmac-algo", "x-nector-webhook-secret-algo"):
        if call.headers.get(name) != "sha256":
            return f"{name}: expected sha256"
    if sha256(receiver.secret.encode()).hexdigest() != call.headers.get("x-nector-webhook-secret"):
        return "x-nector-webhook-secret is not the hash of the secret"
    if not re.fullmatch("[0-9]{10}", call.headers.get("x-nector-timestamp", "")):
        return "x-nector-timestamp: expected seconds since 1970"
    expected = hmac.digest(receiver.secret.encode(), call.body, "sha256").hex()
    if not hmac.compare_digest(expected, call.headers.get("x-nector-webhook-hmac", "")):
        return "x-nector-webhook-hmac does not match"
    return None
