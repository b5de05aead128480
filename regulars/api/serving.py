"""Carry an operation out: let the caller in, read what came, act in one transaction, answer."""

import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any, BinaryIO
from uuid import UUID

import msgspec
import structlog
from litestar import Request
from litestar.handlers import HTTPRouteHandler, route
from litestar.response.base import ASGIResponse

from regulars import limits, tenancy
from regulars.api import proofs, reading
from regulars.api.failures import Failure, Style, failure, failure_of
from regulars.api.gate import Caller, Gate, NoKey
from regulars.api.listing import as_csv
from regulars.api.meters import Meters
from regulars.api.operations import Api, Call, NoQuery, Operation
from regulars.api.rest import Rest
from regulars.kit import Invalid, Refusal, Tx, again_when_raced, forms, invalid, new_id, once
from regulars.kit.db import FULL, RACED, REJECTED, UNREACHABLE
from regulars.tenancy import Workspace
from regulars.wiring import App, Gathered, part
from regulars.wiring import Call as Gathering

_log = structlog.get_logger()

_IDEMPOTENCY_KEY = re.compile(rf"[\x21-\x7e]{{1,{limits.IDEMPOTENCY_KEY_CHARS_MAX}}}")

SAFE = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
"""On every answer that says nothing else: what an API answers is for its caller alone, and is what it says it is."""

CORS = {
    "access-control-allow-origin": "*",
    "access-control-expose-headers": "idempotency-hit, retry-after, x-leadtoken",
}
"""A shop's pages call the merchant API from its customers' browsers, with keys that only read. No cookie is used."""

encode = msgspec.json.Encoder().encode

Http = Request[Any, Any, Any]
CallOf = Callable[[Any], Call[Any, Any]]


class Reply(msgspec.Struct, frozen=True):
    """What an operation answers; `hit` when it was answered before under this Idempotency-Key."""

    status: int
    body: bytes
    hit: bool = False


def handlers(api: Api) -> list[HTTPRouteHandler]:
    return [_handler(api, operation) for operation in api.operations if operation.served]


def _handler(api: Api, operation: Operation) -> HTTPRouteHandler:
    body = operation.each or operation.body
    decoder = None if body in (None, BinaryIO) else msgspec.json.Decoder(body)

    async def handle(request: Http) -> ASGIResponse:
        return await part(request.scope, Servers)[api.name].answer(operation, decoder, request)

    return route(
        api.base + re.sub(r"\{(\w+)\}", r"{\1:str}", operation.path),
        http_method=[operation.method],
        include_in_schema=False,
        status_code=200,
        name=f"{api.name}.{operation.name}",
        request_max_body_size=operation.bytes_max
        or (limits.UPLOAD_BYTES_MAX if body is BinaryIO else limits.BODY_BYTES_MAX),
    )(handle)


class Server:
    """Serves the operations of one API."""

    def __init__(self, app: App, gate: Gate, meters: Meters, api: Api) -> None:
        self.app = app
        self.gate = gate
        self.meters = meters
        self.api = api
        self.gathered = {
            one.name: Gathered(app.db, app.clock, partial(_together, one.together))
            for one in api.operations
            if one.together
        }

    async def answer(self, operation: Operation, decoder: Any, request: Http) -> ASGIResponse:
        started_s = time.perf_counter()
        headers: dict[str, str] = dict(CORS) if self.api.style == "envelope" else {}
        media_type = "application/json"
        try:
            reply = await self.serve(operation, decoder, request, headers)
            status, body = reply.status, reply.body
            if operation.listed and "text/csv" in request.headers.get("accept", ""):
                media_type, (body, headers["x-next"]) = "text/csv", as_csv(body)
            if reply.hit:
                headers["idempotency-hit"] = "true"
        except Refusal as refusal:
            failed = failure_of(refusal, self.api.style)
            status, body, media_type = failed.status, failed.body, failed.media_type
            headers |= failed.headers
        label = f"{operation.method} {self.api.base}{operation.path}"
        self.meters.count(label, status, time.perf_counter() - started_s)
        return ASGIResponse(
            body=body if status != 204 else b"", status_code=status, headers=headers, media_type=media_type
        )

    async def serve(self, operation: Operation, decoder: Any, request: Http, headers: dict[str, str]) -> Reply:
        """Adds to `headers` those of the answer. Raises Refusal."""
        now = self.app.clock.now()
        caller = await self._admit(operation, request.headers, now)
        if caller.key.purpose == "STOREFRONT":
            await self._admit_page(operation, caller, request)
        asked = request.scope["query_string"]
        none = not asked and operation.query is NoQuery
        query = NoQuery() if none else reading.convert(operation.query, forms.single(asked))
        raw: bytes = b""
        body: Any = None

        def call_of(body: Any) -> Call[Any, Any]:
            return Call(self.app, caller, now, query, body, request)

        if operation.body is BinaryIO:
            body = forms.Spooled(limits.BODY_BYTES_MAX)
            async for part in request.stream():
                body.write(part)
            body.seek(0)
        elif decoder is not None:
            content_type = request.headers.get("content-type", "")
            form = self.api.style == "envelope" and reading.is_form(content_type)
            parts = bool(operation.bytes_max) and content_type.lower().startswith(forms.MULTIPART)
            if not form and not parts:
                reading.check_media_type(content_type)
            length = request.headers.get("content-length", "").encode("latin-1")
            raw = await reading.whole_body(length, request.receive, operation.bytes_max or limits.BODY_BYTES_MAX)
            try:
                if parts:
                    body = reading.read_value(decoder.type, await reading.read_parts(content_type, raw), text=True)
                elif form:
                    body = reading.read_value(decoder.type, reading.read_form(raw), text=True)
                else:
                    body = reading.decode_each(decoder, raw) if operation.each else reading.decode(decoder, raw)
            except reading.Unread as unread:
                raise await self._with_the_rest(operation, unread, call_of) from None
            if operation.each and isinstance(body, list):
                body = [
                    _checked(operation, one, call_of).refusal() if isinstance(one, reading.Unread) else one
                    for one in body
                ]
        call = call_of(body)
        reply = await self._act(operation, call, request, raw)
        headers |= call.reply_headers
        return reply

    async def _with_the_rest(self, operation: Operation, unread: reading.Unread, call_of: CallOf) -> Invalid:
        """What can't be read of a body, and what its act refuses of the rest: it is asked in a transaction that is
        rolled back whatever it says."""
        rest = _checked(operation, unread, call_of)
        if operation.transaction == "writing" and rest.value is not msgspec.UNSET:
            with suppress(Refusal, *RACED, *REJECTED):
                async with self.app.db.transaction() as tx:
                    with rest:
                        await operation.act(call_of(rest.value), tx)
                    raise unread
        return rest.refusal()

    async def _admit(self, operation: Operation, headers: Mapping[str, str], now: datetime) -> Caller:
        """Raises Unauthenticated, Forbidden, TooMany, Invalid."""
        merchant = self.api.style == "envelope"
        caller = await self.gate.admit(headers.get("x-workspaceid", ""), key_of(headers, bearer=not merchant), now)
        if merchant:
            check_source(headers.get("x-source", ""))
        caller.must(operation.area, operation.access)
        return caller

    async def _admit_page(self, operation: Operation, caller: Caller, request: Http) -> None:
        """What whoever looks at a page can send, before its body is read. Raises TooMany, ProofMissing, ProofWrong."""
        if operation.body and "x-leadtoken" in operation.headers:
            self._proven(caller, request.headers.get("x-leadtoken", ""))
        if operation.counted:
            await operation.counted(self.app, request)

    def _proven(self, caller: Caller, token: str) -> UUID:
        """Raises ProofMissing, ProofWrong."""
        secrets = tenancy.storefront_secrets(self.app.settings.secret(), caller.workspace)
        return proofs.customer_of(secrets, token, self.app.clock.outside())

    async def _act(self, operation: Operation, call: Call[Any, Any], request: Http, raw: bytes) -> Reply:
        db = self.app.db
        if operation.transaction == "none":
            return self._reply(operation, await operation.act(call))
        if operation.transaction == "reading":
            async with db.reading() as tx:
                return self._reply(operation, await operation.act(call, tx))
        key = self._once(call) if operation.stored else None
        route = f"{request.method} {request.scope['path']}?{request.scope['query_string'].decode('latin-1')}"
        mark = self.app.fingerprint(route, raw) if key else b""
        if operation.together:
            # By the id in its path, which is the customer's, or that of something which is.
            named = key or "", mark, call.path.get("id")
            gathered = Gathering(call.workspace, call, partial(self._said, operation), *named)
            answered = await self.gathered[operation.name](gathered)
            return Reply(answered.status, answered.body.encode(), hit=answered.hit)

        async def transact() -> Reply:
            async with db.transaction() as tx:
                return await self._act_once(operation, call, tx, key, mark)

        # Another call may have made the same thing, or stored its answer under the same key, between our look and our
        # write: run again, this one finds what the other one made.
        return await again_when_raced(transact)

    def _once(self, call: Call[Any, Any]) -> str | None:
        """Raises Invalid, ProofWrong."""
        token = call.headers.get("x-leadtoken") if call.caller.key.purpose == "STOREFRONT" else None
        lead_id = self._proven(call.caller, token) if token else None
        return idempotency_key(call.headers.get("idempotency-key"), call.caller, lead_id)

    async def _act_once(
        self, operation: Operation, call: Call[Any, Any], tx: Tx, key: str | None, mark: bytes
    ) -> Reply:
        if key is not None:
            kept = (await once.recall(tx, call.workspace_id, [key])).get(key)
            if kept is not None:
                return Reply(kept.status, kept.again(mark).encode(), hit=True)
        reply = self._reply(operation, await operation.act(call, tx))
        if key is not None:
            answer = once.Answer(key, mark, reply.status, reply.body.decode())
            once.remember(tx, call.workspace_id, [answer])
        return reply

    def _said(self, operation: Operation, answer: Any) -> tuple[int, str]:
        reply = self._reply(operation, answer)
        return reply.status, reply.body.decode()

    def _reply(self, operation: Operation, answer: Any) -> Reply:
        if operation.answer is None:
            return Reply(204, b"")
        meta = {"status": "success", "code": operation.status}
        said = {"meta": meta, "data": answer} if self.api.style == "envelope" else answer
        return Reply(operation.status, encode(said))


class Servers(dict[str, Server]):
    """By the name of the API."""


def _checked(operation: Operation, unread: reading.Unread, call_of: CallOf) -> Rest:
    rest = Rest(unread)
    if operation.check is not None and rest.value is not msgspec.UNSET:
        with rest:
            operation.check(call_of(rest.value))
    return rest


async def _together(
    act: Callable[..., Awaitable[Sequence[Any]]], tx: Tx, _: Workspace, calls: Sequence[Call[Any, Any]], __: datetime
) -> Sequence[Any]:
    # All of them may have been answered before.
    return await act(calls, tx) if calls else []


def key_of(headers: Mapping[str, str], *, bearer: bool) -> str:
    """The key of a call. Raises Unauthenticated when there is none."""
    key = headers.get("x-apikey", "")
    if not key and bearer:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        key = token.strip() if scheme.lower() == "bearer" else ""
    if not key:
        raise NoKey("Authorization" if bearer else "x-apikey")
    if not headers.get("x-workspaceid"):
        raise NoKey("x-workspaceid")
    return key


def check_source(source: str) -> None:
    """Raises Invalid."""
    if source not in ("mobile", "unix", "web"):
        raise invalid("x-source", "mobile, unix or web")


def idempotency_key(given: str | None, caller: Caller, lead_id: UUID | None) -> str | None:
    """The name under which the answer is kept: one that comes from a page is its customer's own, if one is proven, and
    never takes a name from the shop's server. Raises Invalid."""
    checked_key(given)
    # What was given holds no blank, so that no name can be made up to be another's.
    return f"{lead_id or 'STOREFRONT'} {given}" if given and caller.key.purpose == "STOREFRONT" else given


async def answered(
    meters: Meters, label: str, style: Style, headers: dict[str, str], act: Callable[[], Awaitable[bytes]]
) -> ASGIResponse:
    """What the act answers, or its refusal; counted. `headers` are read when it has answered."""
    started_s, status, media_type = time.perf_counter(), 200, "application/json"
    try:
        body = await act()
    except Exception as error:
        if not isinstance(error, Refusal) and hasattr(error, "status_code"):
            raise  # the framework's own no: a body that is too long
        failed = failure_of(error, style) if isinstance(error, Refusal) else bug(None, label, error)
        status, body, media_type = failed.status, failed.body, failed.media_type
        headers |= failed.headers
    meters.count(label, status, time.perf_counter() - started_s)
    return ASGIResponse(body=body, status_code=status, headers=headers, media_type=media_type)


def checked_key(given: str | None) -> str | None:
    """Raises Invalid."""
    if given is not None and not _IDEMPOTENCY_KEY.fullmatch(given):
        raise invalid("Idempotency-Key", f"1 to {limits.IDEMPOTENCY_KEY_CHARS_MAX} visible ASCII characters")
    return given


def bug(api: Api | None, what: str, error: BaseException) -> Failure:
    """A fault of ours: named by a reference that stands in the log beside the traceback, and saying nothing else. That
    the database is away is said as it is, for then the caller should know what to do."""
    if isinstance(error, UNREACHABLE):
        full = isinstance(error, FULL)
        _log.error("disk_full" if full else "database_unreachable", request=what, why=str(error))
        message = (
            "The database has no room left on its disk, so nothing was changed. Make this call again once there is."
            if full
            else "The database does not answer at this moment, and whether this call was carried out is not known. Make"
            " it again, under the same Idempotency-Key if it came with one."
        )
        return failure(api.style if api else "problem", 503, "unavailable", message, None, {"retry-after": "1"})
    reference = new_id().hex[-12:]
    _log.error("broken", reference=reference, request=what, exc_info=error)
    message = f"Something broke on our side, not yours; nothing was changed. Reference: {reference}"
    return failure(api.style if api else "problem", 500, "broken", message)
