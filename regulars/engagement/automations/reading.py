"""A definition is read: each fault is named by its step and field, as `wait-1.for_s`, or by its place, as
`steps[2].id`, where a step has no name yet."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TypeVar, cast

import msgspec
from msgspec import inspect

from regulars import conditions, limits
from regulars.conditions import Condition, Language
from regulars.engagement import segments
from regulars.engagement.automations import model
from regulars.engagement.automations.model import Flow, Happening, Part
from regulars.events import TOPICS
from regulars.kit import Faults, invalid
from regulars.kit.fitting import expected, note_unfit

TRIGGERS: dict[str, type[Part]] = {
    "event": model.OnEvent,
    "segment": model.OnSegment,
    "date": model.OnDate,
    "schedule": model.OnSchedule,
}
STEPS: dict[str, type[Part]] = {
    "message": model.SendMessage,
    "wait": model.Wait,
    "wait_event": model.WaitEvent,
    "branch": model.Branch,
    "split": model.Split,
    "reward": model.Reward,
    "event": model.SendEvent,
    "property": model.SetProperty,
    "exit": model.Exit,
}
WAYS = {"wait_event": ("came", "otherwise"), "branch": ("yes", "no"), "split": ("ways",)}
"""The names under which steps stand inside a step."""
EMPTY: dict[str, Any] = {"trigger": None, "filter": None, "again": "never", "exits": [], "goal": None, "steps": []}
_KEYS = {*EMPTY, "again_days", "exit_when"}
_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")
_TIME = "a time by the shop's clock, such as 09:00"
_WORDS = {
    **dict.fromkeys(("at", "until"), _TIME),
    **dict.fromkeys(("for_s", "longest_s"), f"whole seconds, at most {limits.AUTOMATION_DAYS_MAX} days of them"),
    **{name: f"the id of a {name[:-3]} of this shop" for name in ("template_id", "segment_id", "trigger_id")},
    "sender_id": "the id of a sender of this shop, or null",
    "integration_id": "the id of an integration",
    "weekdays": "numbers from 1, Monday, to 7",
    "where": "conditions, or null",
    "condition": "conditions",
}
T = TypeVar("T")


def language_of(topic: str, known: Language = segments.LANGUAGE) -> Language:
    """What filters and branches may ask: what the event said, if one starts it, and what a customer is and has done."""
    own = TOPICS[topic].restrictions.values() if topic in TOPICS else ()
    return Language([*own, *(field for name, field in known.items() if name not in {f.name for f in own})], known.deeds)


@lru_cache(maxsize=1_024)
def read(definition: str) -> Flow:
    """One that was published."""
    return checked(msgspec.json.decode(definition))


def checked(definition: object, known: Language = segments.LANGUAGE) -> Flow:
    """Raises Invalid naming every wrong field. What it names (templates, segments) is not looked up; what a shop keeps
    of its customers is asked by the types of its language, if that is `known`."""
    return _Reading(known).whole(definition)


class _Reading:
    def __init__(self, known: Language) -> None:
        self.faults = Faults()
        self.steps: dict[str, Part] = {}
        self.after: dict[str, str] = {}
        self.ways: dict[str, tuple[str, ...]] = {}
        self.conditions: dict[str, Condition | None] = {}
        self.language = self.known = known

    def whole(self, given: object) -> Flow:
        if not isinstance(given, dict):
            raise invalid("definition", "an object")
        for name in given.keys() - _KEYS:
            self.faults.add(str(name)[:100], f"one of {', '.join(sorted(_KEYS))}")
        trigger: Any = self._part(TRIGGERS, given.get("trigger"), "trigger.")
        if trigger is not None:
            self._topic(trigger.topic, "trigger.topic", of_event=isinstance(trigger, model.OnEvent))
            self.language = language_of(trigger.topic, self.known)
        again, days = given.get("again", "never"), given.get("again_days", 30)
        if again not in ("never", "always", "after"):
            self.faults.add("again", "never, always or after")
        if type(days) is not int or not 1 <= days <= limits.AUTOMATION_DAYS_MAX:
            self.faults.add("again_days", f"a whole number from 1 to {limits.AUTOMATION_DAYS_MAX}")
        first = self._walk(given.get("steps"), "steps", "", 1)
        if not self.steps and not self.faults.fields:
            self.faults.add("steps", "at least one step")
        exits = given.get("exits") or []
        if not isinstance(exits, list) or len(exits) > limits.AUTOMATION_EXITS_MAX:
            self.faults.add("exits", f"a list of at most {limits.AUTOMATION_EXITS_MAX}")
            exits = []
        goal = given.get("goal")
        read = {
            "exits": tuple(self._happening(one, f"exits.{n}") for n, one in enumerate(exits)),
            "goal": None if goal is None else self._happening(goal, "goal"),
            "filter": self._tree(given.get("filter"), self.language, "filter"),
            "exit_when": self._tree(given.get("exit_when"), self.known, "exit_when"),
        }
        self.faults.check()
        ways, tests = self.ways, self.conditions
        return Flow(
            trigger, first, self.steps, self.after, ways, tests, again=again, again_days=days, **cast(Any, read)
        )

    def _walk(self, given: object, at: str, after: str, depth: int) -> str:
        """The id of the first, or of what follows where there is none."""
        if not isinstance(given, list) or depth > limits.AUTOMATION_DEPTH_MAX:
            most = limits.AUTOMATION_DEPTH_MAX
            self.faults.add(at, "a list of steps" if depth <= most else f"steps at most {most} deep in each other")
            return after
        for n, one in reversed(list(enumerate(given))):
            after = self._step(one, f"{at}[{n}]", after, depth)
        return after

    def _step(self, given: object, place: str, after: str, depth: int) -> str:
        id = given.get("id") if isinstance(given, dict) else None
        if not isinstance(given, dict) or not isinstance(id, str) or not _ID.fullmatch(id) or id in self.steps:
            self.faults.add(f"{place}.id", "an id that no other step has: letters, digits, - or _, at most 40")
            return after
        if len(self.steps) >= limits.AUTOMATION_STEPS_MAX:
            self.faults.add("steps", f"at most {limits.AUTOMATION_STEPS_MAX} steps in all")
            return after
        self.steps[id], self.after[id] = Part(), after
        kind = str(given.get("kind"))
        inside = WAYS.get(kind, ())
        plain = {name: value for name, value in given.items() if name != "id" and name not in inside}
        if kind == "split":
            ways = given.get("ways")
            ways = ways if isinstance(ways, list) and all(isinstance(way, dict) for way in ways) else []
            shares = [way.get("share") for way in ways]
            good = all(type(share) is int and share > 0 for share in shares) and sum(shares) == 100
            if not good or not 2 <= len(ways) <= limits.AUTOMATION_WAYS_MAX:
                self.faults.add(f"{id}.ways", "two ways or more, whose shares are whole numbers that come to 100")
            plain, lists = plain | {"shares": shares if good else []}, [way.get("steps") for way in ways]
        else:
            lists = [given.get(name, []) for name in inside]
        step: Any = self._part(STEPS, plain, f"{id}.")
        if lists:
            names = (
                [f"{id}.ways[{n}].steps" for n in range(len(lists))]
                if kind == "split"
                else [f"{id}.{name}" for name in inside]
            )
            self.ways[id] = tuple(
                self._walk(one, name, after, depth + 1) for one, name in zip(lists, names, strict=True)
            )
        if step is not None:
            self.steps[id] = step
            self._look(id, step)
        return id

    def _look(self, id: str, step: Part) -> None:
        match step:
            case model.Wait():
                if sum(one is not None for one in (step.for_s, step.until, step.until_property)) != 1:
                    self.faults.add(f"{id}.for_s", "one of for_s, until and until_property")
            case model.WaitEvent():
                self.conditions[id] = self._happening({"topic": step.topic, "where": step.where}, id).where
            case model.Branch():
                self.conditions[id] = self._tree(step.condition, self.language, f"{id}.condition")
            case model.SendEvent(name=name):
                if name in TOPICS or not re.fullmatch(r"[A-Za-z0-9 ._:/-]+", name):
                    self.faults.add(f"{id}.name", "a name that no event of ours has: letters, digits, space and ._:/-")

    def _happening(self, given: object, at: str) -> Happening:
        said = given if isinstance(given, dict) and given.keys() <= {"topic", "where"} else {}
        topic = str(said.get("topic"))
        if not self._topic(topic, f"{at}.topic"):
            return Happening("")
        return Happening(topic, self._tree(said.get("where"), TOPICS[topic].restrictions, f"{at}.where"))

    def _topic(self, topic: str, at: str, *, of_event: bool = True) -> bool:
        known = topic in TOPICS and TOPICS[topic].emitted
        if of_event and not known:
            self.faults.add(at, "the name of an event")
        return known

    def _tree(self, given: object, schema: Any, at: str) -> Condition | None:
        with self.faults:
            return None if given is None else conditions.parse(given, schema, at=at)
        return None

    def _part(self, kinds: Mapping[str, type[Part]], given: object, at: str) -> Part | None:
        said = dict(given) if isinstance(given, dict) else {}
        type_ = kinds.get(str(said.pop("kind", "")))
        if type_ is None:
            self.faults.add(f"{at}kind", f"one of {', '.join(kinds)}")
            return None
        found, fields = Faults(), {one.name: one for one in msgspec.structs.fields(type_)}
        note_unfit(found, type_, said, at)
        for name, field in fields.items():
            if field.required and name not in said:
                found.add(f"{at}{name}", expected(inspect.type_info(field.type)))
        for place, words in found.fields.items():
            name = place.removeprefix(at)
            self.faults.add(place, _WORDS[name] if name in fields and name in _WORDS else words[len("expected ") :])
        return None if found.fields else msgspec.convert(said, type_)
