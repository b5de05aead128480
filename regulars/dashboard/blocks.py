"""An automation's blocks as a tree: where each stands, and the same with one put in, moved or taken out.

A list of blocks is called by its place: '' for the outermost, else a block's id and one of its ways: `b3.yes`, `b7.0`.
"""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from regulars.kit import Conflict, new_id

Block = dict[str, Any]
Definition = dict[str, Any]
OURS: dict[str, Any] = json.loads(Path(__file__).with_name("blocks.json").read_text(encoding="utf-8"))
KINDS: dict[str, dict[str, Any]] = OURS["kinds"]
"""What blocks are called, what they do, and what they are when they are put in."""
HOWS: dict[str, dict[str, Block]] = OURS["hows"]
"""What a wait, or the start, may be made of, and what that is as long as nothing else is said."""
INSIDE = ("yes", "no", "came", "otherwise")
_WAYS = {"branch": {"yes": "Yes", "no": "No"}, "wait_event": {"came": "It came", "otherwise": "It did not come"}}


class Lost(Conflict):
    """This block is not there any more, or cannot stand there. Load the page again."""


class Undrawable(Conflict):
    """A program wrote this draft, and it cannot be drawn. It is kept as it is."""


UNSOUND = (KeyError, TypeError, ValueError, AttributeError)
"""What comes of drawing what a program may have written, which may be anything."""
_NUMBERS = ("for_s", "longest_s", "offset_days", "weekday", "day", "again_days", "share")
_TEXTS = ("id", "topic", "edge", "property", "at", "every", "until", "until_property", "name")


class At(NamedTuple):
    place: str
    blocks: list[Block]
    n: int

    @property
    def block(self) -> Block:
        return self.blocks[self.n]


def whole(draft: Definition) -> Definition:
    """With all that a draft may leave out. Raises Undrawable."""
    made: Definition = copy.deepcopy(OURS["empty"] | draft)
    try:
        start = made["trigger"] or {"kind": "event", "topic": ""}
        made["trigger"] = HOWS["start"][start["kind"]] | start
        for _, blocks in lists(made["steps"]):
            for n, block in enumerate(blocks):
                usual = HOWS["wait"][how_of(block)] if block["kind"] == "wait" else KINDS[block["kind"]]["new"]
                blocks[n] = copy.deepcopy(usual) | block | {"id": block["id"]}
                _sound(blocks[n], *blocks[n].get("ways", ()))
        _sound(made, made["trigger"], *made["exits"], made["goal"] or {})
    except UNSOUND:
        raise Undrawable from None
    return made


def _sound(*parts: Block) -> None:
    """Raises TypeError, and what it raises to look."""
    for part in parts:
        numbers = [part[name] for name in _NUMBERS if part.get(name) is not None]
        texts = [part[name] for name in _TEXTS if part.get(name) is not None]
        days = {*(part.get("weekdays") or ()), part.get("weekday", 1)} - set(range(1, 8))
        if days or {*map(type, numbers)} - {int} or {*map(type, texts)} - {str}:
            raise TypeError


def titles(draft: Definition) -> dict[str, str]:
    """What its blocks are called, by their ids; of one that can't be drawn, nothing."""
    try:
        return {one["id"]: KINDS[one["kind"]]["title"] for _, some in lists(whole(draft)["steps"]) for one in some}
    except Undrawable:
        return {}


def how_of(block: Block) -> str:
    return "date" if block.get("until_property") else "until" if block.get("until") else "for"


def ways(block: Block) -> list[tuple[str, str, list[Block]]]:
    """What is inside of it: the name of each way, its words, and its blocks."""
    if block["kind"] == "split":
        return [(str(n), f"{way['share']} %", way["steps"]) for n, way in enumerate(block["ways"])]
    return [(name, words, block[name]) for name, words in _WAYS.get(block["kind"], {}).items()]


def lists(blocks: list[Block], place: str = "") -> Iterator[tuple[str, list[Block]]]:
    """Each list of blocks with its place, from the top down."""
    yield place, blocks
    for block in blocks:
        for name, _, inside in ways(block):
            yield from lists(inside, f"{block['id']}.{name}")


def find(definition: Definition, id: str) -> At:
    """Raises Lost."""
    for place, blocks in lists(definition["steps"]):
        for index, block in enumerate(blocks):
            if block["id"] == id:
                return At(place, blocks, index)
    raise Lost


def put(definition: Definition, block: Block, place: str, index: int) -> None:
    """Raises Lost."""
    target = dict(lists(definition["steps"])).get(place)
    if target is None:
        raise Lost
    target.insert(index, block)


def add(definition: Definition, kind: str, place: str, index: int) -> str:
    """The id of a new block: never another's, as what came of a block is counted by it."""
    if kind not in KINDS:
        raise Lost
    block = {"id": f"{kind}-{new_id().hex[-8:]}", "kind": kind, **copy.deepcopy(KINDS[kind]["new"])}
    put(definition, block, place, index)
    return str(block["id"])


def take(definition: Definition, id: str) -> Block:
    """It and all that is inside of it stand there no more. Raises Lost."""
    at = find(definition, id)
    return at.blocks.pop(at.n)


def shift(definition: Definition, id: str, way: str) -> bool:
    """A block goes up, down, in or out, if it can. Up and down lead from one way of the block around it to the next;
    in, into the block before it, or else the one behind."""
    place, blocks, index = find(definition, id)
    around = find(definition, place.rpartition(".")[0]) if place else None
    to: tuple[str, int] | None = None
    if way == "out" and around:
        to = around.place, around.n + 1
    elif way == "in":
        for at in (index - 1, index + 1):
            inside = ways(blocks[at])[:1] if 0 <= at < len(blocks) else []
            to = to or next(((f"{blocks[at]['id']}.{n}", len(b) if at < index else 0) for n, _, b in inside), None)
    elif way in ("up", "down"):
        step = -1 if way == "up" else 1
        beside = [(f"{around.block['id']}.{name}", inside) for name, _, inside in ways(around.block)] if around else []
        at = next((n for n, (name, _) in enumerate(beside) if name == place), 0) + step
        if 0 <= index + step < len(blocks):
            to = place, index + step
        elif 0 <= at < len(beside):
            to = beside[at][0], len(beside[at][1]) if step < 0 else 0
    if to:
        put(definition, take(definition, id), *to)
    return bool(to)
