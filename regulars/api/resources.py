"""Things of one kind behind one path: listed, made, read, changed, removed.

    rules = Resource(management, "/send-events", RuleItem, tag="Send Events", one="rule", says=rule_items)
    rules.all("All rules", dispatch.list_rules, "Oldest first.")
    rules.each(dispatch.get_rule)
    rules.press("pause", "Pause a rule", dispatch.pause_rule)

    @rules.create("Create a rule", about=("topic",))
    def create_rule(call: Call[NoQuery, NewRule], tx: Tx) -> Awaitable[Rule]:
        return dispatch.create_rule(tx, call.workspace_id, **asdict(call.body), now=call.now)

An act answers with what the room does, the thing or things; what a caller is answered is made of that in one place. Who
changes one is written in the audit log beside it, as `rule.create`, with what is in `about`: of the body, or else of
the thing. With `secrets` an act hands out secrets that were made for it (`.rule`, `.new_secrets`): they are answered
this once, so that no answer is kept.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar, get_type_hints
from uuid import UUID

import msgspec

from regulars.api.listing import PageQuery, asked, asked_of, page_of
from regulars.api.operations import Api, Call, Method, NoQuery
from regulars.kit import Listed, Page, Partial, Reading, Tx, copied
from regulars.tenancy.model import Area

T = TypeVar("T")
Act = TypeVar("Act", bound=Callable[[Any, Any], Awaitable[Any]])
Says = Callable[[Call[Any, Any], Reading, Sequence[T]], Awaitable[list[Any]]]
Run = Callable[[Call[Any, Any], Any], Awaitable[Any]]
Find = Callable[..., Awaitable[Sequence[Any]]]
Press = Callable[..., Awaitable[T]]


class Resource(Generic[T]):
    """`one` is the word for one of them; `says` makes of things what is answered, an `item` each: by default what it
    has of their fields. `area` where it is another than its tag's."""

    def __init__(
        self,
        api: Api,
        path: str,
        item: type[msgspec.Struct],
        *,
        tag: str,
        one: str,
        says: Says[T] | None = None,
        area: Area | None = None,
    ) -> None:
        self.api, self.path, self.item, self.tag, self.one = api, path, item, tag, one
        self.says, self.area = says or self._copied, area
        shown = [(one, item), ("new_secrets", dict[str, str])]
        words = "`new_secrets` were made here; they are said this once and never again."
        name = f"{one.title()}WithSecrets"
        self.with_secrets: type[Any] = msgspec.defstruct(name, shown, namespace={"__doc__": words}, frozen=True)

    def all(self, summary: str, find: Callable[[Reading, UUID], Awaitable[Sequence[T]]], words: str = "") -> None:
        """The whole list, as the room reads it."""

        def act(call: Call[NoQuery, None], tx: Reading) -> Any:
            return find(tx, call.workspace_id)

        act.__name__, act.__doc__ = f"list_{self.one}s", words
        self.list(summary)(act)

    def page(self, summary: str, find: Find, query: type[PageQuery], words: str = "", name: str = "") -> None:
        """A page of the list, by what its query asks for, as the room reads it: of what the path names, if anything."""

        async def act(call: Call[Any, None], tx: Reading) -> Any:
            by, of = asked(call.query), [call.path_id(part) for part in call.path]
            if "customer_id" in query.__struct_fields__:
                by["customer_id"] = await asked_of(call, tx)
            items, after = page_of(await find(tx, call.workspace_id, *of, **by), call.query.limit)
            return Page(await self.says(call, tx, items), after)

        act.__name__, act.__doc__ = name or f"list_{self.one}s", words
        act.__annotations__["call"] = Call[query, None]  # type: ignore[valid-type]
        self._declare(act, act, Page[self.item], "GET", "", summary)  # type: ignore[name-defined]

    def each(self, find: Callable[[Reading, UUID, UUID], Awaitable[T]], words: str = "", called: str = "") -> None:
        """One of them, as the room reads it."""

        def act(call: Call[NoQuery, None], tx: Reading) -> Any:
            return find(tx, call.workspace_id, call.path_id())

        act.__name__, act.__doc__ = f"read_{self.one}", words
        self.read(f"One {called or self.one}")(act)

    def list(self, summary: str) -> Callable[[Act], Act]:
        def declare(act: Act) -> Act:
            async def listed(call: Call[Any, Any], tx: Reading) -> Any:
                return Listed(await self.says(call, tx, await act(call, tx)))

            return self._declare(act, listed, Listed[self.item], "GET", "", summary)  # type: ignore[name-defined]

        return declare

    def read(self, summary: str) -> Callable[[Act], Act]:
        def declare(act: Act) -> Act:
            async def read(call: Call[Any, Any], tx: Reading) -> Any:
                return await self._said(call, tx, await act(call, tx))

            return self._declare(act, read, self.item, "GET", "/{id}", summary)

        return declare

    def create(self, summary: str, **more: Any) -> Callable[[Act], Act]:
        return self._acting("POST", "", "create", summary, status=201, **more)

    def change(self, summary: str, **more: Any) -> Callable[[Act], Act]:
        return self._acting("PATCH", "/{id}", "update", summary, **more)

    def do(self, verb: str, summary: str, **more: Any) -> Callable[[Act], Act]:
        return self._acting("POST", f"/{{id}}/{verb}", verb, summary, **more)

    def press(
        self, verb: str, summary: str, do: Press[T], words: str = "", *, about: Sequence[str] = (), signed: bool = False
    ) -> None:
        """An act that asks for nothing. `signed`: the room is told by whom."""

        def act(call: Call[NoQuery, None], tx: Tx) -> Any:
            who = {"actor": call.caller.actor} if signed else {}
            return do(tx, call.workspace, call.path_id(), call.now, **who)

        act.__name__, act.__doc__ = f"{verb}_{self.one}", words
        self.do(verb, summary, about=about)(act)

    def remove(self, summary: str, verb: str = "delete") -> Callable[[Act], Act]:
        """What the act answers, if anything, is said of it in the audit log."""

        def declare(act: Act) -> Act:
            async def remove(call: Call[Any, Any], tx: Tx) -> None:
                detail = await act(call, tx)
                await call.audit(tx, f"{self.one}.{verb}", call.path_id(), **(detail or {}))

            return self._declare(act, remove, type(None), "DELETE", "/{id}", summary, status=204)

        return declare

    def _acting(
        self, method: Method, path: str, verb: str, summary: str, *, about: Sequence[str] = (), **more: Any
    ) -> Callable[[Act], Act]:
        secrets = more.pop("secrets", False)

        def declare(act: Act) -> Act:
            async def run(call: Call[Any, Any], tx: Tx) -> Any:
                done = await act(call, tx)
                thing = getattr(done, self.one) if secrets else done
                detail = {field: getattr(call.body if hasattr(call.body, field) else thing, field) for field in about}
                if isinstance(call.body, Partial):
                    detail["changed"] = sorted(call.body.given())
                await call.audit(tx, f"{self.one}.{verb}", thing.id, **detail)
                said = await self._said(call, tx, thing)
                return self.with_secrets(said, done.new_secrets) if secrets else said

            answer = self.with_secrets if secrets else self.item
            return self._declare(act, run, answer, method, path, summary, stored=not secrets, **more)

        return declare

    async def _said(self, call: Call[Any, Any], tx: Reading, thing: T) -> Any:
        (item,) = await self.says(call, tx, [thing])
        return item

    async def _copied(self, call: Call[Any, Any], tx: Reading, things: Sequence[T]) -> Any:
        return [copied(self.item, thing) for thing in things]

    def _declare(self, act: Act, run: Run, answer: Any, method: Method, path: str, summary: str, **more: Any) -> Act:
        run.__name__, run.__doc__ = act.__name__, act.__doc__
        run.__annotations__ |= {"call": get_type_hints(act)["call"], "return": answer}
        self.api.operation(method, self.path + path, summary, **{"tag": self.tag, "area": self.area} | more)(run)
        return act
