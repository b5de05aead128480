"""A look-alike of an API that is told of: who may call it, what it takes at which address, and how it says no."""

import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from contextlib import suppress
from hashlib import md5
from typing import Any

import msgspec

from regulars.sandbox.memory import Call, Memory
from regulars.sandbox.rate import Windows
from regulars.sandbox.reply import Reply
from regulars.sandbox.settings import Settings

_THROTTLED = "Too many requests"
_PATH = re.compile(r" - at `\$\.([^`]*)`$")
_MISSING = re.compile(r"Object missing required field `([^`]+)`")


class Route(msgspec.Struct, frozen=True):
    """`takes` is the shape of a body. `who` and `state` say where in it a person and what is kept of them stand, `id`
    and `name` where an event's do: names with dots between them, the first of several with | that is there."""

    takes: Any = None
    status: int = 200
    says: Any = {}
    who: str = ""
    state: str = ""
    id: str = ""
    name: str = ""


class Api(msgspec.Struct, frozen=True):
    """`head` are the headers of a call whose key is known, as patterns; a login is seen without its base64. `routes`
    are by "METHOD path", a pattern too. `no` is what it says to a call that it refuses with this status, which is
    `unfit` for a body that does not fit. `members_only`: it takes events of those whose profile it has, and both are
    found at the hash of their address. `version` is the header that has to name this one. `media` is what bodies are
    said to be, both ways; '' where it does not look."""

    head: Mapping[str, str]
    routes: Mapping[str, Route]
    no: Callable[[int, str], Any] = lambda status, words: {}
    rate: tuple[int, float] = (100_000, 60.0)
    unfit: int = 400
    members_only: bool = False
    version: tuple[str, str] = ("", "")
    media: str = "application/json"


class LookAlike:
    """Any key that starts with `sandbox-` is known; one that ends with `-readonly` may not write. `profiles` are kept
    by whatever they are identified by. What a tool does otherwise than by a table, its own class says."""

    def __init__(self, tool: str, api: Api, memory: Memory, settings: Settings) -> None:
        self.profiles: dict[str, dict[str, Any]] = {}
        self._tool, self._api, self._memory, self._windows = tool, api, memory, Windows()
        self._settings = settings

    def answer(self, call: Call) -> Reply:
        heads = {name: _plain(call.headers.get(name, "")) for name in self._api.head}
        if not all(re.fullmatch(pattern, heads[name]) for name, pattern in self._api.head.items()):
            return self._refuse(401, "The API key is missing or not known")
        asked = f"{call.method} {call.path.partition('?')[0]}"
        route = next((one for pattern, one in self._api.routes.items() if re.fullmatch(pattern, asked)), None)
        if route is None:
            return self._refuse(404, f"There is no {asked}")
        if call.method != "GET" and any(head.endswith("-readonly") for head in heads.values()):
            return self._refuse(403, "The API key may not write")
        header, version = self._api.version
        if header and header not in call.headers:
            return self._refuse(400, "Required header is missing", header)
        if header and call.headers[header] != version:
            return self._refuse(410, f"The version {call.headers[header]} has been retired")
        if wait_s := self._wait_s(route):
            return self._refuse(429, _THROTTLED, wait_s=wait_s)
        if route.takes is None:
            return Reply.json(route.status, route.says)
        if self._api.media and call.headers.get("content-type", "").partition(";")[0] != self._api.media:
            return self._refuse(415, f"The content type must be {self._api.media}")
        try:
            said = msgspec.json.decode(call.body)
            msgspec.convert(said, route.takes)
        except msgspec.MsgspecError as wrong:
            return self._refuse(self._api.unfit, str(wrong), _where(str(wrong)))
        if "dryRun=1" in call.path:
            return Reply.json(route.status, route.says, "a dry run")
        return self._take(route, said, call.path)

    def _take(self, route: Route, said: Any, path: str) -> Reply:
        who = str(found(said, route.who) or "") if route.who else ""
        if self._api.members_only:
            who = next((one for one in {who, *self.profiles} if one and _hash(one) in path), "")
            if not who or (route.id and who not in self.profiles):
                return self._refuse(404, "The requested resource could not be found.")
        words = f"profile of {who}"
        if route.state:
            self.profiles.setdefault(who, {}).update(found(said, route.state) or {})
        if route.id and (id := self._id_of(said, route, who)):
            new = self._memory.accept(self._tool, id)
            words = f"{found(said, route.name)} for {who}" + ("" if new else "; taken before, this is a duplicate")
        return Reply.json(route.status, route.says, words)

    def _id_of(self, said: Any, route: Route, who: str) -> str:
        """What an event is known by."""
        return str(found(said, route.id) or "")

    def _wait_s(self, route: Route) -> int:
        """Until it may be called again; 0 for a call that is counted."""
        return self._windows.wait_s(self._api.rate)

    def fault(self, status: int, retry_after_s: int) -> Reply:
        wait_s = retry_after_s if status == 429 else 0
        return self._refuse(status, f"The sandbox was told to answer {status}", wait_s=wait_s)

    def _refuse(self, status: int, words: str, where: str = "", wait_s: int = 0) -> Reply:
        """`where` in the body, or which header."""
        reply = Reply.json(status, self._api.no(status, words), words)
        return msgspec.structs.replace(reply, headers=f"retry-after: {wait_s}\r\n") if wait_s else reply


def _plain(header: str) -> str:
    scheme, _, login = header.partition(" ")
    with suppress(ValueError):
        return f"Basic {b64decode(login).decode()}" if scheme == "Basic" else header
    return header


def _hash(who: str) -> str:
    return md5(who.lower().encode(), usedforsecurity=False).hexdigest()


def _where(wrong: str) -> str:
    """`contact.email`, of msgspec's words; of a field that is missing, the field."""
    path = _PATH.search(wrong)
    missing = _MISSING.match(wrong)
    return ".".join(filter(None, [path[1] if path else "", missing[1] if missing else ""]))


def found(said: Any, where: str) -> Any:
    """The first of these paths that leads to something; None, if none does."""
    for path in where.split("|"):
        at = said
        for name in path.split("."):
            with_it = at.get(name) if isinstance(at, dict) else None
            at = at[int(name)] if isinstance(at, list) else with_it
        if at is not None:
            return at
    return None
