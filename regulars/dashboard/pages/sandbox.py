"""What this shop's look-alikes of outside tools received, when a sandbox runs beside this server."""

from typing import Any

import msgspec
from litestar import Response, get, post

from regulars import limits
from regulars.channels import SENDERS
from regulars.dashboard.desk import Desk, Handed
from regulars.dashboard.security import FRAMED
from regulars.integrations import CONNECTORS
from regulars.kit import Refusal
from regulars.kit.http import Answer, Request

TOOLS = {tool: connector.manifest.label for tool, connector in CONNECTORS.items() if tool != "kafka"}
TOOLS |= {tool: manifest.label for tool, manifest in SENDERS.items()}
FAULTS = {
    "slow": "Answer slowly",
    "hang": "Never answer",
    "reset": "Break the connection",
    "401": "Answer 401: key refused",
    "429": "Answer 429: too many calls",
    "500": "Answer 500: broken",
    "garbage": "Answer garbage",
}
# So many calls with their bodies fit into an answer as long as is read at all.
_SHOWN_MAX, _MAILS_SHOWN_MAX = 12, 20


@get("/sandbox")
async def show(desk: Handed) -> Response[str]:
    answer = await ask(desk, "GET", f"/received?newest={_SHOWN_MAX}")
    try:
        received: dict[str, Any] = msgspec.json.decode(answer.body) if answer and answer.status == 200 else {}
    except msgspec.DecodeError:
        # Something else listens where a sandbox would.
        received = {}
    return desk.page(
        "pages/sandbox.html",
        running=bool(received),
        address=desk.app.settings.sandbox_address(desk.id),
        mail_port=desk.app.settings.sandbox_port_used() + 1,
        nats_port=desk.app.settings.sandbox_port_used() + 2,
        allowed=desk.app.settings.allow_loopback,
        counts=received.get("counts", {}),
        calls=received.get("calls", []),
        going_wrong=received.get("faults", []),
        tools=TOOLS,
        faults=FAULTS,
    )


@get("/sandbox/inbox")
async def inbox(desk: Handed) -> Response[str]:
    """What arrived by e-mail, SMS and WhatsApp, as it would look."""
    return desk.page("pages/sandbox_inbox.html", messages=await _arrived(desk))


@get("/sandbox/inbox/{place:int}")
async def mail(desk: Handed) -> Response[str]:
    """One mail alone, in a page that can do nothing but look as it does."""
    messages, place = await _arrived(desk) or [], int(desk.request.path_params["place"])
    html = messages[place]["html"] if place < len(messages) else ""
    return Response(html, media_type="text/html", headers=FRAMED)


async def _arrived(desk: Desk) -> list[dict[str, Any]] | None:
    answer = await ask(desk, "GET", f"/inbox?newest={_MAILS_SHOWN_MAX}")
    return msgspec.json.decode(answer.body).get("messages", []) if answer and answer.status == 200 else None


@post("/sandbox/faults")
async def break_something(desk: Handed) -> Response[str]:
    form = await desk.form()
    tool, fault = form.choice("tool", TOOLS), form.choice("fault", FAULTS)
    times = min(form.whole("times", least=1, default=1), 1000)
    form.check()
    await _must(desk, "PUT", "/faults", {"tool": tool, "fault": fault, "times": times})
    return desk.see("/sandbox", f"{TOOLS[tool]}: {FAULTS[fault].lower()}, for the next {times:,}.")


@post("/sandbox/faults/stop")
async def stop(desk: Handed) -> Response[str]:
    tool = (await desk.form()).choice("tool", TOOLS)
    await _must(desk, "DELETE", f"/faults/{tool}")
    return desk.see("/sandbox", f"{TOOLS[tool]} answers as ever.")


@post("/sandbox/clear")
async def clear(desk: Handed) -> Response[str]:
    await _must(desk, "DELETE", "/faults")
    await _must(desk, "DELETE", "/received")
    return desk.see("/sandbox", "Forgotten, and nothing goes wrong any more.")


async def _must(desk: Desk, method: str, path: str, body: object = None) -> None:
    answer = await ask(desk, method, path, body)
    if answer is None or answer.status >= 400:
        raise Refusal("The sandbox did not answer. Is it running?")


async def ask(desk: Desk, method: str, path: str, body: object = None) -> Answer | None:
    """None when no sandbox runs, or addresses of this machine may not be called."""
    raw = b"" if body is None else msgspec.json.encode(body)
    url = desk.app.settings.sandbox_address(desk.id) + path
    most = limits.SANDBOX_BODY_BYTES_MAX if "/inbox" in path else limits.ANSWER_BYTES_MAX
    head = {"content-type": "application/json"}
    end = await desk.app.http.send(Request(method, url, head, raw, answer_bytes_max=most))
    return end if isinstance(end, Answer) else None
