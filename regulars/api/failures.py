"""A refusal on the wire: the merchant API's envelope, or a problem document (RFC 9457)."""

from __future__ import annotations

import math
from http import HTTPStatus
from typing import Any, Literal

import msgspec

from regulars.kit.errors import Refusal, TooMany

Style = Literal["envelope", "problem"]

encode = msgspec.json.Encoder().encode


class Failure(msgspec.Struct, frozen=True):
    """A refusal as one of the APIs says it."""

    status: int
    media_type: str
    body: bytes
    headers: dict[str, str]


def failure_of(refusal: Refusal, style: Style) -> Failure:
    headers = {}
    if isinstance(refusal, TooMany):
        headers["retry-after"] = str(max(1, math.ceil(refusal.retry_after_s)))
    if refusal.status == HTTPStatus.UNAUTHORIZED:
        headers["www-authenticate"] = "Bearer" if style == "problem" else 'ApiKey header="x-apikey"'
    return failure(style, refusal.status, refusal.code, refusal.message, refusal.fields, headers)


def failure(
    style: Style,
    status: int,
    code: str,
    message: str,
    fields: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
) -> Failure:
    """The merchant API has always said 422 of unknown and of duplicate things."""
    if style == "envelope":
        if status in (404, 409) and code not in ("route_not_found",):
            status = 422
        data: dict[str, Any] = {"message": message, "code": code}
        if fields:
            data["fields"] = fields
        meta = {"status": "error", "code": status}
        return Failure(status, "application/json", encode({"meta": meta, "data": data}), headers or {})
    problem: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": message,
        "code": code,
    }
    if fields:
        problem["fields"] = fields
    return Failure(status, "application/problem+json", encode(problem), headers or {})
