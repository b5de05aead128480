"""What a collector of traces is told, over its own protocol, of calls and of what tools answered."""

import asyncio
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from regulars.api.app import Doors, traced
from regulars.kit import tracing
from regulars.kit.clock import HandClock
from regulars.sandbox import Fault, Sandbox
from regulars.wiring import App
from tests.doors import ASHA, Shop, client_of
from tests.stories.telling import CUSTOMER, EMAIL, connected, drained, telling
from tests.stories.test_messages_sent import Desk
from tests.tooling.test_serving import at_a_port

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
NAMED = {"traceparent": f"00-{TRACE}-{CALLER}-01"}


class Collector:
    """Of spans, as OTLP sends them: each with its attributes by their names."""

    def __init__(self) -> None:
        self.posted = list[bytes]()
        posted = self.posted

        class Takes(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                posted.append(self.rfile.read(int(self.headers["content-length"])))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Takes)

    async def spans(self) -> dict[str, list[Any]]:
        """By their names, once all have been sent; no more are made."""
        await tracing.end()
        found = defaultdict[str, list[Any]](list)
        for body in self.posted:
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope in resource.scope_spans:
                    for span in scope.spans:
                        found[span.name].append(span)
        return found


def told(span: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes}


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    made = Collector()
    Thread(target=made.server.serve_forever).start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{made.server.server_port}")
    tracing.begin()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
async def client(app: App) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(traced(Doors(app)))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as one:
        yield one


@pytest.fixture
async def shop(collector: Collector, app: App, client: httpx.AsyncClient) -> AsyncIterator[Shop]:
    async with telling(app, client) as made:
        yield made


REWARD = "POST /api/v2/merchant/activities"


async def test_one_trace_goes_from_the_callers_own_span_to_what_the_webhook_answered_hours_later(
    shop: Shop, look_alikes: Sandbox, clock: HandClock, collector: Collector
) -> None:
    await connected(shop, look_alikes, "webhook")
    look_alikes.faults.put(Fault("webhook", "503", times=1, retry_after_s=3_600))
    assert (await shop.reward(await shop.trigger(), CUSTOMER, send=NAMED)).status_code == 200
    await drained(shop)
    clock.advance(hours=3)
    await drained(shop)
    spans = await collector.spans()
    (call,), (commit,), (fan_out,) = spans[REWARD], spans["commit"], spans["fan-out"]
    assert (call.trace_id.hex(), call.parent_span_id.hex()) == (TRACE, CALLER)
    assert told(call)["http.route"] == "/api/v2/merchant/activities"
    assert (told(call)["http.response.status_code"], told(call)["regulars.workspace_id"]) == (200, shop.id)
    assert (commit.trace_id, commit.parent_span_id) == (call.trace_id, call.span_id)
    assert [(one.trace_id, one.span_id) for one in fan_out.links] == [(call.trace_id, call.span_id)]
    refused, taken = spans["deliver webhook"]
    for n, (attempt, status) in enumerate([(refused, 503), (taken, 200)], 1):
        assert (attempt.trace_id, attempt.parent_span_id) == (call.trace_id, call.span_id)
        assert (told(attempt)["regulars.attempt"], told(attempt)["http.response.status_code"]) == (n, status)
    assert (told(refused)["error.type"], told(taken).get("error.type")) == ("RetryAfter", None)
    heard = [one.headers.get("traceparent") for one in [it.call for it in look_alikes.memory.newest][-2:]]
    assert heard == [f"00-{TRACE}-{one.span_id.hex()}-01" for one in (refused, taken)]
    sent = b"".join(collector.posted)
    assert not [word for word in (CUSTOMER, EMAIL, "Asha", shop.write_key) if word.encode() in sent]


async def test_calls_that_share_a_commit_keep_traces_of_their_own(
    shop: Shop, look_alikes: Sandbox, collector: Collector
) -> None:
    await connected(shop, look_alikes, "webhook")
    await connected(shop, look_alikes, "webhook", "lead_create")
    trigger, names = await shop.trigger(), ["shopify-1", *(f"shopify-new-{n}" for n in range(3))]
    await shop.manage("POST", "/customers", json={"customer_id": "shopify-1"})
    await drained(shop)
    heads = [{"traceparent": f"00-{n:032x}-{n:016x}-01"} for n in range(1, 5)]
    calls = zip(names, heads, strict=True)
    await asyncio.gather(*(shop.reward(trigger, name, send=head) for name, head in calls))
    await drained(shop)
    spans = await collector.spans()
    wanted = {n: ["lead_create", "walletreward_create"] for n in range(2, 5)} | {1: ["walletreward_create"]}
    told_of = defaultdict[int, list[str]](list)
    for one in spans["deliver webhook"]:
        told_of[int.from_bytes(one.trace_id)].append(told(one)["regulars.topic"])
    assert {n: sorted(topics) for n, topics in told_of.items() if n < 5} == wanted
    (shared,) = [one for one in spans["commit"] if one.links]
    assert sorted(int.from_bytes(one.trace_id) for one in shared.links) == [1, 2, 3, 4]
    assert shared.trace_id not in {one.trace_id for one in spans[REWARD]}


async def test_holds_that_share_a_commit_are_told_apart_by_what_their_paths_name(
    shop: Shop, look_alikes: Sandbox, collector: Collector
) -> None:
    trigger = await shop.trigger()
    for topic in ("walletreward_create", "wallettrasaction_update"):
        await connected(shop, look_alikes, "webhook", topic)
    people = [(await shop.reward(trigger, f"shopify-{n}0")).json()["data"]["activity"]["lead_id"] for n in (1, 2)]
    held: list[str] = []
    for act, first in (("/customers/{}/holds", 1), ("/holds/{}/capture", 3)):
        heads = [{"traceparent": f"00-{n:032x}-{n:016x}-01"} for n in (first, first + 1)]
        body = {} if held else {"amount": 5, "reference": "cart-1"}
        calls = zip(held or people, heads, strict=True)
        answers = await asyncio.gather(
            *(shop.manage("POST", act.format(id), json=body, send=head) for id, head in calls)
        )
        held = [answer.json()["id"] for answer in answers]
    await drained(shop)
    traces = [int.from_bytes(one.trace_id) for one in (await collector.spans())["deliver webhook"]]
    assert sorted(n for n in traces if n < 5) == [1, 2, 3, 4]


async def test_a_mail_about_an_event_stands_in_its_trace(shop: Shop, clock: HandClock, collector: Collector) -> None:
    desk = Desk(shop, shop.client, clock)
    await desk.ready()
    await desk.rules(quiet_from=0, quiet_until=0)
    await shop.manage("POST", "/customers", json=ASHA)
    await desk.consent("yes")
    await shop.reward(await shop.trigger(), ASHA["customer_id"], send=NAMED)
    found = (await shop.manage("GET", "/events", params={"topic": "walletreward_create"})).json()["items"]
    content = {"subject": "Coins", "body": "<p>{{ event.amount }}</p>"}
    letter = {"name": "Coins", "topic": "walletreward_create", "content": content}
    desk.template = (await shop.manage("POST", "/templates", json=letter)).json()["id"]
    assert await desk.sent(event_id=found[0]["id"]) == ("sent", "")
    spans = await collector.spans()
    (call,), (mail,) = spans[REWARD], spans["deliver smtp"]
    assert (mail.trace_id.hex(), mail.parent_span_id) == (TRACE, call.span_id)
    assert told(mail)["http.response.status_code"] == 250


async def test_a_strangers_traceparent_is_no_part_of_anything(shop: Shop, collector: Collector) -> None:
    unknown = await shop.reward(await shop.trigger(), CUSTOMER, key="none", send=NAMED)
    at_a_page = await shop.merchant("GET", f"/leads/{shop.id}", key=shop.storefront_key, send=NAMED)
    garbled = await shop.reward(await shop.trigger(), CUSTOMER, send={"traceparent": f"00-{TRACE}-none-01"})
    unsampled = await shop.reward(await shop.trigger(), CUSTOMER, send={"traceparent": f"00-{'b' * 32}-{CALLER}-00"})
    assert [one.status_code for one in (unknown, at_a_page, garbled, unsampled)] == [401, 401, 200, 200]
    async with shop.app.db.reading() as tx:
        kept = "SELECT traceparent FROM events_event WHERE workspace_id = $1 AND topic = 'walletreward_create'"
        first, second = [row["traceparent"] for row in await tx.fetch(kept, shop.workspace.id)]
    assert first[3:35] != TRACE
    assert second is None, "whoever asked did not want it recorded"
    spans = await collector.spans()
    assert len(spans[REWARD]) == 2
    (known,) = spans["GET /api/v2/merchant/leads/{id}"]
    assert told(known)["regulars.workspace_id"] == shop.id, "the page's key was known"
    assert not [one for of in spans.values() for one in of if one.trace_id.hex() in (TRACE, "b" * 32)]


async def test_what_our_own_server_writes_at_once_is_told_with_its_status(
    shop: Shop, app: App, collector: Collector
) -> None:
    async with at_a_port(traced(Doors(app))) as port, httpx.AsyncClient() as client:
        shop.client, client.base_url = client, httpx.URL(f"http://127.0.0.1:{port}")
        assert (await shop.reward(await shop.trigger(), CUSTOMER)).status_code == 200
        assert (await shop.reward(await shop.trigger(), CUSTOMER, key="none")).status_code == 401
    given, refused = (await collector.spans())[REWARD]
    assert [told(one)["http.response.status_code"] for one in (given, refused)] == [200, 401]


async def test_without_an_address_for_them_or_the_packages_nothing_is_traced(
    collector: Collector, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    await tracing.end()
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    tracing.begin()
    assert not tracing.on(), "the extra is not installed"
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT")
    with monkeypatch.context() as patch:
        patch.delattr(tracing, "_Otel")  # whoever asked for it would fail
        tracing.begin()
        async with client_of(app) as client, telling(app, client) as shop:
            assert (await shop.reward(await shop.trigger(), CUSTOMER, send=NAMED)).status_code == 200
            async with app.db.reading() as tx:
                kept = "SELECT count(traceparent) FROM events_event WHERE workspace_id = $1"
                assert await tx.fetchval(kept, shop.workspace.id) == 0
    assert await collector.spans() == {}
