"""The look-alikes that every shop has for itself, what they remember and what shall go wrong with them.

/omnisend/...            the look-alikes of the sandbox itself
/shop/NAME/omnisend/...  those of one shop: nobody else's calls are seen there, and its faults befall nobody else
"""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import jinja2
import msgspec

from regulars import limits
from regulars.kit import Partial
from regulars.sandbox.api import LookAlike
from regulars.sandbox.apis import APIS
from regulars.sandbox.faults import Fault, Faults
from regulars.sandbox.klaviyo import Klaviyo
from regulars.sandbox.memory import Call, Memory
from regulars.sandbox.omnisend import Omnisend
from regulars.sandbox.phones import Twilio, WhatsApp
from regulars.sandbox.reply import Reply
from regulars.sandbox.selling import Hook, Seller, Shopify, WooCommerce
from regulars.sandbox.settings import Rates, Receiver, Settings
from regulars.sandbox.webhook import WebhookReceivers

LOOK_ALIKES: dict[str, Callable[[Memory, Settings], Any]] = {
    "omnisend": Omnisend,
    "klaviyo": Klaviyo,
    **{tool: partial(LookAlike, tool, api) for tool, api in APIS.items()},
    "webhook": WebhookReceivers,
    "twilio": Twilio,
    "whatsapp": WhatsApp,
}
"""A look-alike has `answer(call) -> Reply`, where the call's path is the one below the tool's own, and
`fault(status, retry_after_s) -> Reply`: that status in the tool's words. A new one is a table of `apis`, or a file and
a line here."""

BY_PORT = ("smtp", "nats")
"""Those that do not speak HTTP, each on a port of its own."""

SELLERS: dict[str, Callable[[Callable[[Hook], None]], Seller]] = {"shopify": Shopify, "woocommerce": WooCommerce}
"""Those that tell, in place of being told."""

_PAGE = jinja2.Template(
    Path(__file__).with_name("page.html").read_text(encoding="utf-8"), autoescape=True, trim_blocks=True
)
"""The sandbox's one page: what came in, newest first."""
_CALLS_SHOWN_MAX = 50
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_OF_A_SHOP = re.compile(r"/shop/([A-Za-z0-9_-]{1,64})(/.*)")


class Shop:
    """The look-alikes of one shop."""

    def __init__(self, settings: Settings, send: Callable[[Hook], None] = lambda _: None) -> None:
        self.settings = msgspec.structs.replace(settings)
        self.memory = Memory([*LOOK_ALIKES, *BY_PORT, *SELLERS])
        self.faults = Faults([*LOOK_ALIKES, *BY_PORT, *SELLERS])
        self.tools = {tool: make(self.memory, self.settings) for tool, make in LOOK_ALIKES.items()}
        self.sellers = {platform: make(send) for platform, make in SELLERS.items()}

    def answer(self, call: Call) -> tuple[Reply, Fault | None]:
        """What is answered, and the fault that befalls it. A call that a status fault befalls is not processed, one
        that a broken connection befalls is: the tool has it and its answer is lost."""
        tool = call.path[1 : call.path.find("/", 1)] if call.path.count("/") > 1 else ""
        if tool not in self.tools and tool not in self.sellers:
            return self._control(call), None
        below = msgspec.structs.replace(call, path=call.path.removeprefix(f"/{tool}"))
        # What is done in a seller's shop goes well: only its API has faults.
        asked = tool in self.tools or below.path.startswith(("/wp-json/", "/admin/"))
        fault = self.faults.next_for(tool) if asked else None
        status = int(fault.fault[:3]) if fault is not None and fault.fault[0].isdigit() else None
        if fault is None or not fault.fault.isdigit():
            reply = self.tools[tool].answer(below) if tool in self.tools else self._sell(tool, below)
        if fault is not None and status is not None:
            reply = self._failing(tool, status, fault.retry_after_s)
        answered = fault is None or status is not None or fault.fault in ("slow", "nul")
        self.memory.note(tool, call, reply.status if answered else None, reply.words, fault.fault if fault else None)
        return reply, fault

    def _failing(self, tool: str, status: int, retry_after_s: int) -> Reply:
        if tool in self.tools:
            failing: Reply = self.tools[tool].fault(status, retry_after_s)
            return failing
        reply = Reply.json(status, {"errors": f"{status} on demand"}, f"{status} on demand")
        return msgspec.structs.replace(reply, headers=f"retry-after: {retry_after_s}\r\n" if status == 429 else "")

    def _sell(self, platform: str, call: Call) -> Reply:
        try:
            return self.sellers[platform].answer(call)
        except (ValueError, LookupError) as error:
            return Reply.json(400, {"error": str(error)}, str(error))

    def _control(self, call: Call) -> Reply:
        """What people and tests use: what was received, and what shall go wrong."""
        path = call.path.partition("?")[0]
        try:
            match call.method, path:
                case "GET", "/":
                    newest = list(self.memory.newest)[-_CALLS_SHOWN_MAX:]
                    shown = _PAGE.render(memory=self.memory, faults=self.faults.shown(), newest=newest)
                    return Reply(200, shown.encode(), "text/html; charset=utf-8")
                case "GET", "/received" | "/inbox":
                    many = int(call.path.partition("?newest=")[2] or limits.SANDBOX_CALLS_MAX)
                    told = self.memory.shown if path == "/received" else self.memory.inbox
                    return Reply.json(200, told(many) | {"faults": self.faults.shown()})
                case "DELETE", "/received":
                    self.memory.clear()
                case "GET", "/faults":
                    pass
                case "PUT", "/faults":
                    self.faults.put(msgspec.json.decode(call.body, type=Fault))
                case "DELETE", "/faults":
                    self.faults.clear()
                case "DELETE", _ if path.startswith("/faults/"):
                    self.faults.clear(path.removeprefix("/faults/"))
                case "PUT", "/settings":
                    for name, value in msgspec.json.decode(call.body, type=Partial[Rates]).given().items():
                        setattr(self.settings, name, value)
                case "PUT", _ if path.startswith("/receivers/"):
                    receiver = msgspec.json.decode(call.body, type=Receiver)
                    self.tools["webhook"].put(path.removeprefix("/receivers/"), receiver)
                case _:
                    return Reply.json(404, {"error": f"There is no {call.method} {path} here."})
        except ValueError as error:
            return Reply.json(400, {"error": str(error)})
        return Reply.json(200, {"faults": self.faults.shown()})


class Sandbox(Shop):
    """Its own look-alikes, and those of every shop that was named. The server uses it, and tests look inside."""

    def __init__(self, settings: Settings, send: Callable[[Hook], None] = lambda _: None) -> None:
        super().__init__(settings, send)
        self.shops: dict[str, Shop] = {}
        self._send = send
        self.base_url = ""
        self.mail_port = self.nats_port = 0

    def answer(self, call: Call) -> tuple[Reply, Fault | None]:
        named = _OF_A_SHOP.fullmatch(call.path)
        if named is None:
            return super().answer(call)
        return self.shop(named[1]).answer(msgspec.structs.replace(call, path=named[2]))

    def shop(self, name: str) -> Shop:
        """The shop of this name; of no name, the sandbox itself."""
        if not _NAME.fullmatch(name):
            return self
        shop = self.shops.pop(name, None) or Shop(self.settings, self._send)
        self.shops[name] = shop  # what was used last stands last
        if len(self.shops) > limits.SANDBOX_SHOPS_MAX:
            del self.shops[next(iter(self.shops))]
        return shop
