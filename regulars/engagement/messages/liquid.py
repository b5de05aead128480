"""Liquid with bounds: whatever a template says costs so much time and memory and no more, and ends in words.

What it may name is checked when it is saved: `customer.*`, `business.*`, `coupon.*`, `gift.*` of the campaign it is
sent by, `event.*` of the event it is written for, and the flat names that events have (`user_name`,
`user_available_balance`).
"""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from functools import cache, lru_cache, wraps
from pathlib import Path
from typing import Any, TextIO, cast

import msgspec
from liquid import BoundTemplate, Environment, Mode, StrictDefaultUndefined
from liquid.builtin.output import OutputNode
from liquid.context import RenderContext
from liquid.exceptions import LiquidError, ResourceLimitError
from liquid.stringify import to_liquid_string
from liquid.token import TOKEN_OUTPUT

from regulars import limits
from regulars.engagement.messages.markup import Marks, Unfit
from regulars.engagement.messages.model import Content
from regulars.events import TOPICS
from regulars.events.catalogue.properties import Common
from regulars.events.schemas import properties
from regulars.kit import Faults, invalid

THINGS: dict[str, dict[str, tuple[str, str]]] = msgspec.convert(
    json.loads(Path(__file__).with_name("variables.json").read_text(encoding="utf-8")),
    dict[str, dict[str, tuple[str, str]]],
)
"""What has properties, by their names: the flat name of the same, '' for none, and words."""
_ALWAYS = ("business", "customer.balance", "customer.preferences", "user_available", "trigger_", "customer.email")
_FAULTS = (LiquidError, RecursionError, ValueError, TypeError, ArithmeticError)


class _Context(RenderContext):
    """Tells what each variable stood for, and looks at the time whenever something is looked up, set or filtered."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.until_s = time.monotonic() + limits.MESSAGE_RENDER_S
        self.found: dict[str, Any] = {}
        self.marks: Any = None
        self.out: object = None

    def get(self, path: list[object], **more: Any) -> object:
        self.in_time()
        found = super().get(path, **more)
        names, inside = list[str](), cast("object", self.globals)
        for name in path:
            if not isinstance(inside, Mapping) or name not in inside:
                break
            names.append(str(name))
            inside = inside[name]
        # Of a list the whole, whichever of it was asked for.
        if names and isinstance(inside, str | int | float | bool | list | None):
            self.found[".".join(names)] = inside
        return found

    def assign(self, key: str, val: Any) -> None:
        self.in_time()
        super().assign(key, val)

    def get_size_of_locals(self) -> int:
        return sum(_size(value) for value in self.locals.values())

    def in_time(self) -> None:
        if time.monotonic() > self.until_s:
            raise ResourceLimitError("time", token=None)


class _Said(OutputNode):
    """What is captured on the way has no marks."""

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        said = to_liquid_string(self.expression.evaluate(context), context.autoescape)
        return buffer.write(context.marks.of(said) if isinstance(context, _Context) and buffer is context.out else said)


class _Template(BoundTemplate):
    context_class = _Context


class _Environment(Environment):
    template_class = _Template
    loop_iteration_limit = limits.MESSAGE_LOOPS_MAX
    local_namespace_limit = output_stream_limit = limits.MESSAGE_OUTPUT_BYTES_MAX


def _size(value: object) -> int:
    """Of a list by what is in it, which may be one text many times."""
    if isinstance(value, list | tuple):
        return sum(_size(one) for one in value) + len(value)
    return len(value) if isinstance(value, str | range) else 8


def _bounded(filter: Callable[..., Any]) -> Callable[..., Any]:
    """What comes of a filter is at most about as large as what goes in, part times part: too much is not even begun."""
    passed_on = getattr(filter, "with_context", False)

    @wraps(filter)
    def bounded(value: Any, *args: Any, context: _Context, **more: Any) -> Any:
        context.in_time()
        product = 1
        for one in (value, *args, *more.values()):
            product *= max(_size(one), 1) if isinstance(one, str | list | tuple | range) else 1
        made = None
        if product <= limits.MESSAGE_FILTER_SIZE_MAX:
            made = filter(value, *args, **more, **({"context": context} if passed_on else {}))
        if made is None or _size(made) > limits.MESSAGE_OUTPUT_BYTES_MAX or (type(made) is int and made >> 256):
            raise ResourceLimitError("size", token=None)
        return made

    bounded.with_context = True  # type: ignore[attr-defined]
    return bounded


@cache
def _environment(markup: bool) -> _Environment:
    made = _Environment(tolerance=Mode.STRICT, undefined=StrictDefaultUndefined, autoescape=markup)
    dropped = ("safe", "escapejs", "base64_decode", "base64_url_safe_decode")
    made.filters = {name: _bounded(one) for name, one in made.filters.items() if name not in dropped}
    made.tags[TOKEN_OUTPUT].node_class = _Said  # type: ignore[attr-defined]
    for name in ("include", "render", "ifchanged"):
        del made.tags[name]
    return made


@lru_cache(256)
def _parsed(source: str, markup: bool) -> BoundTemplate:
    return _environment(markup).from_string(source)


def fill(
    source: str, known: Mapping[str, Any], *, markup: bool, marks: Marks | None = None
) -> tuple[str, dict[str, Any]]:
    """The text, and what its variables stood for, by their names. With `markup` what stands in for one is text in HTML,
    whatever it holds. Raises Unfit."""
    if "{" not in source:
        return source, {}
    try:
        template = _parsed(source, markup)
        context = _Context(template, globals=known)
        buffer = template._get_buffer()
        context.marks, context.out = marks, buffer if marks else None
        template.render_with_context(context, buffer)
    except _FAULTS as error:
        raise Unfit(_words(error)) from None
    return buffer.getvalue(), context.found


def unflat(said: Mapping[str, Any]) -> dict[str, Any]:
    """What `fill` told, as it is given to it again."""
    known: dict[str, Any] = {}
    for path, value in said.items():
        *parents, name = path.split(".")
        inside: Any = known
        for parent in parents:
            inside = inside.setdefault(parent, {}) if isinstance(inside, dict) else None
        if isinstance(inside, dict):
            inside[name] = value
    return known


def check(content: Content, topic: str, own: Iterable[str], faults: Faults) -> None:
    """Note each field whose Liquid can't be read, or that names a variable which is none; `own`: what the shop keeps of
    its customers."""
    texts = {name: getattr(content, name) for name in ("subject", "preheader", "body")}
    check_texts(texts | {f"slots[{n}]": slot for n, slot in enumerate(content.slots)}, topic, own, faults)


def check_texts(texts: Mapping[str, str], topic: str, own: Iterable[str], faults: Faults) -> None:
    known = [*(one.name for one in variables(topic, tuple(own))), "customer.properties"]
    for field, source in texts.items():
        try:
            used = _parsed(source, field == "body").analyze().globals
        except _FAULTS as error:
            faults.add(field, f"Liquid that can be read: {_words(error)}")
            continue
        for one in (variable for variables in used.values() for variable in variables):
            inside = one.segments[0] in THINGS or one.segments[0] == "event"
            deep = (3 if one.segments[:2] == ["customer", "properties"] else 2) if inside else 1
            named = ".".join(map(str, one.segments[:deep]))
            if named not in known:
                near = get_close_matches(named, known, 1)
                also = f"; did you mean {near[0]}?" if near else ""
                faults.add(field, f"variables that there are, and {one} is none{also}")


def names(content: Content, thing: str) -> bool:
    """Whether it names anything of that."""
    texts = (content.subject, content.preheader, *content.slots)
    sources = [(content.body, True), *((text, False) for text in texts)]
    return any(thing in _parsed(source, markup).analyze().globals for source, markup in sources)


class Variable(msgspec.Struct, frozen=True):
    """`tag` is how a template says it, with what is said where it is empty."""

    name: str
    description: str
    tag: str


@lru_cache(128)
def variables(topic: str, own: tuple[str, ...] = ()) -> list[Variable]:
    """What a template may name that is written for the event, or for none; `own`: what the shop keeps of customers.
    Raises Invalid for an event that there is not."""
    if topic and topic not in TOPICS:
        raise invalid("topic", "the name of an event, or nothing")
    of_event = {name: one["description"] for name, one in properties(TOPICS[topic].type if topic else Common).items()}
    said = {f"{thing}.{name}": words for thing, inside in THINGS.items() for name, (_, words) in inside.items()}
    said |= {f"customer.properties.{name}": "What you keep of them" for name in own}
    said |= {f"event.{name}": words for name, words in of_event.items()} if topic else {}
    return [Variable(name, words, f"{{{{ {name}{_fallback(name)} }}}}") for name, words in (said | of_event).items()]


def _fallback(name: str) -> str:
    """What is said in place of one that may be missing."""
    return " | default: 'there'" if name.endswith("name") else "" if name.startswith(_ALWAYS) else " | default: ''"


def _words(error: Exception) -> str:
    if isinstance(error, ResourceLimitError | RecursionError):
        return "it takes too long or gets too large; a loop may not go round so often, nor a text get so long"
    return (str(error).strip().splitlines() or ["it can't be worked out"])[0][:200]
