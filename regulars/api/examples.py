"""Examples, made of the types' own: what a caller may send as it stands, but for the ids of things."""

from typing import Any

ID = "019aa8a1-5c2e-7b1f-9c3d-2f6a1e8b4d70"
"""Stands wherever the id of something has to be put in."""

CSV = """order_id,customer_id,email,amount,currency_code,placed_at
5012345678901,shopify-7029064106277,asha@example.com,129.90,usd,2026-03-14T09:26:53Z
"""

_OF_FORMAT = {"uuid": ID, "date": "1990-05-26", "date-time": "2026-03-14T09:26:53Z", "decimal": "12.34"}
_OF_TYPE = {"number": 1, "boolean": True, "string": "…"}


def example(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """What the schema gives as an example, or a value of its kind; of an object, what is required or has an example."""
    of = resolved(schema, schemas)
    given = schema.get("examples") or of.get("examples")
    if given:
        return given[0]
    if "enum" in of:
        return of["enum"][0]
    if of.get("type") == "object":
        return {
            name: example(inner, schemas)
            for name, inner in of.get("properties", {}).items()
            if name in of.get("required", []) or _given(inner, schemas)
        }
    if of.get("type") == "array":
        return [example(of["items"], schemas)]
    if of.get("type") == "integer":
        return max(1, of.get("minimum", 1))
    return _OF_FORMAT.get(of.get("format", ""), _OF_TYPE.get(of.get("type", ""), "…"))


def resolved(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """The one kind beside null; of one thing and a list of such things, the one thing."""
    options = [option for option in schema.get("anyOf", []) if option != {"type": "null"}]
    named = [option for option in options if "$ref" in option]
    if len(options) == 1 or len(named) == 1:
        schema = options[0] if len(options) == 1 else named[0]
    while "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    return schema


def _given(schema: dict[str, Any], schemas: dict[str, Any]) -> bool:
    if schema.get("examples") == []:
        return False  # one of several, of which only one can be given
    of = resolved(schema, schemas)
    inside = of.get("properties", {}).values()
    return bool(schema.get("examples") or of.get("examples")) or any(_given(inner, schemas) for inner in inside)
