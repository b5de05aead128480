"""A refusal on the wire: the merchant API's envelope, or a problem document (RFC 9457)."""

import math
from http import HTTPStatus
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from regulars.kit import Refusal, TooMany

Style = Literal["envelope", "problem"]

encode = msgspec.json.Encoder().encode


Message = Annotated[str, Meta(description="For people.")]
Code = Annotated[str, Meta(description="Stable; each is described under *Codes*. More may follow.")]
Fields = Annotated[dict[str, str], Meta(description="Of each wrong field, by its path, what was expected.")]


class Problem(msgspec.Struct, frozen=True):
    """Why nothing was done (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: Message
    code: Code
    fields: Fields | UnsetType = UNSET


class Refused(msgspec.Struct, frozen=True):
    """Why nothing was done."""

    message: Message
    code: Code
    fields: Fields | UnsetType = UNSET


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
        if status in (404, 409) and code != "route_not_found":
            status = 422
        said = {"meta": {"status": "error", "code": status}, "data": Refused(message, code, fields or UNSET)}
        return Failure(status, "application/json", encode(said), headers or {})
    problem = Problem("about:blank", HTTPStatus(status).phrase, status, message, code, fields or UNSET)
    return Failure(status, "application/problem+json", encode(problem), headers or {})
