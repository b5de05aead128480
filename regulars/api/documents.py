"""OpenAPI 3.1 documents, made from the operations' own types: what is documented is what is checked."""

import json
import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, BinaryIO

import msgspec

from regulars import events, limits
from regulars.api.about import sections, webhooks
from regulars.api.examples import CSV, example
from regulars.api.failures import Problem, Refused
from regulars.api.operations import Api, NoQuery, Operation

VERSION = "1.0.0"

_REFUSALS = {
    400: "The request can't be read: the body is no JSON.",
    401: "The key is missing, unknown to the workspace or revoked; or the customer's proof is missing or wrong.",
    403: "The key has no right to this.",
    404: "There is no such thing in this workspace.",
    409: "The thing exists already, or was changed meanwhile.",
    413: f"The body is longer than {limits.BODY_BYTES_MAX:,} bytes.",
    415: "The body is not said to be JSON.",
    422: "Something in the request holds another value than is expected, or what is asked for can't be done.",
    429: "Too many calls by this key; nothing was done.",
}
_IDEMPOTENCY = (
    "Your own name for this call, such as a UUID. Sent again with the same request it answers what it answered first."
)
_HEADERS = {
    "x-leadtoken": "The customer's proof, as GET /leads answered it to a STOREFRONT key.",
    "x-leaddigest": "64 hex digits: HMAC-SHA256 over `<customer_id>.<x-timestamp>`, by the storefront secret.",
    "x-timestamp": "When the digest was made: seconds or milliseconds since 1970.",
    "Idempotency-Key": _IDEMPOTENCY,
}


def documents(apis: Sequence[Api]) -> dict[str, str]:
    """The generated files, by path below docs/generated."""
    return {f"openapi-{api.name}.json": json.dumps(openapi([api]), indent=1, ensure_ascii=False) + "\n" for api in apis}


def openapi(apis: Sequence[Api]) -> dict[str, Any]:
    """One document of these APIs."""
    operations = [
        (api, operation) for api in apis for tag in api.tags for operation in api.operations if operation.tag == tag
    ]
    types = {type_ for _, o in operations for type_ in (o.body, o.answer) if type_ not in (None, BinaryIO)}
    ordered = sorted(types, key=str)
    schemas, components = msgspec.json.schema_components(ordered, ref_template="#/components/schemas/{name}")
    schema_of = dict(zip(ordered, schemas, strict=True))
    components = {name: _with_times(schema) for name, schema in components.items()} | _failures(apis)
    told = any(api.style == "problem" for api in apis)
    if told:
        components |= events.asyncapi()["components"]["schemas"]
    paths: dict[str, dict[str, Any]] = {}
    for api, operation in operations:
        paths.setdefault(api.base + operation.path, {})[operation.method.lower()] = _operation(
            api, operation, schema_of, components
        )
    one = apis[0] if len(apis) == 1 else None
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"Regulars: {one.title}" if one else "Regulars",
            "version": VERSION,
            "description": _joined_lines("\n\n".join(text for api in apis for text in _told(api, alone=bool(one)))),
        },
        "servers": [{"url": "/", "description": "This server."}],
        "tags": [{"name": name} for name in dict.fromkeys(operation.tag for _, operation in operations)],
        "paths": paths,
        **({"webhooks": webhooks()} if told else {}),
        "components": {
            "schemas": dict(sorted(components.items())),
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "x-apikey"},
                "workspace": {"type": "apiKey", "in": "header", "name": "x-workspaceid"},
                "bearer": {"type": "http", "scheme": "bearer", "description": "An API key."},
            },
        },
    }


def _told(api: Api, *, alone: bool) -> list[str]:
    return [*([] if alone else [f"# {api.title}"]), api.description, sections(api.style)]


def _joined_lines(text: str) -> str:
    """Paragraphs as one line each: some viewers take each line for a line."""
    return re.sub(r"(?<=[^\n|])\n(?=[^\n|#-]|-[^ ])(?!\d\. )\s*", " ", text)


def _with_times(schema: dict[str, Any]) -> dict[str, Any]:
    """What is called `..._at` is a time, also where its type is text or a time that could be without its offset; but a
    text that may be empty, or has a length of its own, is one by some clock on a wall."""
    if "properties" not in schema:
        return schema
    text, time = {"type": "string"}, {"type": "string", "format": "date-time"}
    told = {}
    for name, of in schema["properties"].items():
        if (name == "at" or name.endswith("_at")) and of.get("default") != "" and "maxLength" not in of:
            options = [time if option == text else option for option in of.get("anyOf", [])]
            of = {**of, "anyOf": options} if options else {**of, **time}
        told[name] = of
    return {**schema, "properties": told}


def _operation(
    api: Api, operation: Operation, schema_of: dict[Any, dict[str, Any]], schemas: dict[str, Any]
) -> dict[str, Any]:
    name = re.sub(r"_(\w)", lambda found: found[1].upper(), operation.name)
    right = (
        f"a key with the right {operation.access} to {f'`{operation.area}`' if operation.area else 'the merchant API'}"
    )
    described: dict[str, Any] = {
        "operationId": f"{api.name}.{name}",
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": _joined_lines(f"{operation.description}\n\nTakes {right}.").strip(),
        "security": _security(api),
        "parameters": _parameters(api, operation),
    }
    if operation.body is not None:
        schema = schema_of.get(operation.body, {})
        described["requestBody"] = {
            "required": True,
            "content": {"text/csv": {"schema": {"type": "string"}, "example": CSV}}
            if operation.body is BinaryIO
            else {"application/json": {"schema": schema, "example": example(schema, schemas)}},
        }
    described["responses"] = _responses(api, operation, schema_of)
    return described


def _security(api: Api) -> list[dict[str, list[str]]]:
    by_header: dict[str, list[str]] = {"key": [], "workspace": []}
    return [by_header] if api.style == "envelope" else [{"bearer": [], "workspace": []}, by_header]


def _parameters(api: Api, operation: Operation) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": path_schema(name)} for name in operation.path_names
    ]
    if operation.query is not NoQuery:
        schema = msgspec.json.schema(operation.query)["$defs"][operation.query.__name__]
        for name, of in schema["properties"].items():
            required = name in schema["required"]
            described = _plain(of)
            words = described.pop("description", "")
            parameter = {"name": name, "in": "query", "required": required, "schema": described}
            found.append({**parameter, "description": words} if words else parameter)
    if api.style == "envelope":
        source = {"enum": ["mobile", "unix", "web"]}
        found.append(
            {
                "name": "x-source",
                "in": "header",
                "required": True,
                "schema": source,
                "description": "Where the call comes from.",
            }
        )
    headers = dict.fromkeys((*operation.headers, *(["Idempotency-Key"] if operation.stored else [])))
    for header in headers:
        of_header: dict[str, Any] = {"type": "string"}
        if header == "Idempotency-Key":
            length = {"minLength": 1, "maxLength": limits.IDEMPOTENCY_KEY_CHARS_MAX}
            of_header = {**of_header, **length, "pattern": "^[\\x21-\\x7e]+$"}
        found.append(
            {"name": header, "in": "header", "required": False, "schema": of_header, "description": _HEADERS[header]}
        )
    return found


def path_schema(name: str) -> dict[str, Any]:
    """Path parameters are ids; those of another kind say so by their name."""
    if name == "code":
        return {"type": "string", "minLength": 1, "maxLength": limits.COUPON_CODE_CHARS_MAX}
    if name == "topic":
        return {"type": "string", "pattern": "^[a-z_]+$"}
    return {"type": "string", "format": "uuid"}


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """A query parameter that is not given is left out, so null is no value of it."""
    options = [option for option in schema.get("anyOf", []) if option != {"type": "null"}]
    if len(options) == 1:
        rest = {name: value for name, value in schema.items() if name != "anyOf" and (name, value) != ("default", None)}
        return {**options[0], **rest}
    return dict(schema)


def _responses(api: Api, operation: Operation, schema_of: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    if operation.answer is None:
        responses["204"] = {"description": "Done."}
    else:
        schema = schema_of[operation.answer]
        if api.style == "envelope":
            schema = _enveloped(schema, {"const": "success"}, {"const": operation.status})
        responses[str(operation.status)] = {
            "description": HTTPStatus(operation.status).phrase,
            "content": {"application/json": {"schema": schema}},
        }
        if operation.listed:
            responses[str(operation.status)]["content"]["text/csv"] = {"schema": {"type": "string"}}
            following = {"description": "`next` of a page as CSV.", "schema": {"type": "string"}}
            responses[str(operation.status)]["headers"] = {"X-Next": following}
        if operation.stored or "Idempotency-Key" in operation.headers:
            hit = {"description": "true: answered before, under the same key.", "schema": {"const": "true"}}
            responses[str(operation.status)]["headers"] = {"Idempotency-Hit": hit}
    reads_body = operation.body is not None
    for status, words in _REFUSALS.items():
        if status in (400, 413, 415) and not reads_body and status != 400:
            continue
        if status in (404, 409) and api.style == "envelope":
            continue
        if status == 409 and operation.method == "GET":
            continue
        media_type = "application/json" if api.style == "envelope" else "application/problem+json"
        name = "Refusal" if api.style == "envelope" else "Problem"
        answer: dict[str, Any] = {
            "description": words,
            "content": {media_type: {"schema": {"$ref": f"#/components/schemas/{name}"}}},
        }
        if status == 429:
            answer["headers"] = {
                "Retry-After": {"description": "Seconds after which to call again.", "schema": {"type": "integer"}}
            }
        responses[str(status)] = answer
    return responses


def _enveloped(data: dict[str, Any], status: dict[str, Any], code: dict[str, Any]) -> dict[str, Any]:
    meta = {"type": "object", "properties": {"status": status, "code": code}, "required": ["status", "code"]}
    properties = {"meta": meta, "data": data}
    return {"type": "object", "properties": properties, "required": ["meta", "data"]}


def _failures(apis: Sequence[Api]) -> dict[str, Any]:
    styles = {api.style for api in apis}
    _, made = msgspec.json.schema_components([Problem, Refused])
    refusal = {"title": "Refusal", **_enveloped(made.pop("Refused"), {"const": "error"}, {"type": "integer"})}
    return (made if "problem" in styles else {}) | ({"Refusal": refusal} if "envelope" in styles else {})
