"""Lists of the merchant API, whose pages are numbered, and one thing of each.

    coupons = Listing("/coupons", CouponItem, tag="Coupons", missing=UnknownCoupon)

    @coupons.read("One coupon")
    async def find_coupon(call: Call[OfLead, None], tx: Reading, id: UUID) -> CouponItem: ...

    @coupons.list("A customer's coupons")
    async def list_coupons(call: Call[CouponQuery, None], tx: Reading) -> tuple[list[CouponItem], int]: ...

An act answers items, and of a list how many there are in all; what stands here is the rest: whose they are is proven,
`?id=` finds the one of a list that it is, what is somebody else's or not what is asked for is not there.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, Literal, TypeVar, get_type_hints
from uuid import UUID

import msgspec
from msgspec import Meta

from regulars import limits
from regulars.api.merchant.api import merchant
from regulars.api.merchant.leads import prove, the_lead
from regulars.api.operations import Call
from regulars.kit import Counted, NotFound, One, Reading, Refusal, invalid

Act = TypeVar("Act", bound=Callable[..., Awaitable[Any]])


class NumberedPage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Newest first unless `sort_op` is ASC."""

    page: Annotated[int, Meta(ge=1, le=limits.PAGE_NUMBER_MAX)] = 1
    limit: Annotated[int, Meta(ge=1, le=limits.PAGE_ITEMS_MAX)] = limits.PAGE_ITEMS_DEFAULT
    sort: Literal["created_at", "updated_at"] = "created_at"
    sort_op: Literal["ASC", "DESC"] = "DESC"

    @property
    def numbers(self) -> dict[str, Any]:
        """Which page it is, as rooms name it."""
        before = (self.page - 1) * self.limit
        return {"oldest_first": self.sort_op == "ASC", "limit": self.limit, "offset": before}


class OfLead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    lead_id: UUID


class Listing:
    """`leads` are the names by which a query says whose things these are, and by which an item does; `answer` is
    another one than items and their count; `missing` is raised of what is not there."""

    def __init__(
        self,
        path: str,
        item: type[msgspec.Struct],
        *,
        tag: str,
        leads: tuple[str, ...] = ("lead_id",),
        answer: Any = None,
        missing: Callable[[], Refusal] = NotFound,
    ) -> None:
        self.path, self.item, self.leads, self.missing = path, item, leads, missing
        self.answer = answer or Counted[item]  # type: ignore[valid-type]
        self.more: dict[str, Any] = {"tag": tag, "access": "READ", "headers": ("x-leadtoken",) if leads else ()}
        self.find: Callable[..., Awaitable[Any]] | None = None

    def read(self, summary: str) -> Callable[[Act], Act]:
        def declare(act: Act) -> Act:
            async def read(call: Call[Any, Any], tx: Reading) -> Any:
                self._lead_id(call)
                return One(await self._one(act, call, tx, call.path_id()))

            self.find = act
            return self._declare(act, read, One[self.item], "/{id}", summary)  # type: ignore[name-defined]

        return declare

    def list(self, summary: str) -> Callable[[Act], Act]:
        def declare(act: Act) -> Act:
            async def listed(call: Call[Any, Any], tx: Reading) -> Any:
                if self.leads:
                    await the_lead(tx, call.workspace_id, id=self._lead_id(call, always=True))
                found = await self._listed(act, call, tx)
                return self.answer(**dict(zip(self.answer.__struct_fields__, found, strict=False)))

            return self._declare(act, listed, self.answer, "", summary)

        return declare

    async def _listed(self, act: Act, call: Call[Any, Any], tx: Reading) -> Any:
        if self.find is None or call.query.id is None:
            return await act(call, tx)
        try:
            return [await self._one(self.find, call, tx, call.query.id)], 1
        except NotFound:
            return [], 0

    async def _one(self, find: Callable[..., Awaitable[Any]], call: Call[Any, Any], tx: Reading, id: UUID) -> Any:
        """Raises NotFound."""
        item = await find(call, tx, id)
        for name, wanted in msgspec.structs.asdict(call.query).items():
            if wanted is not None and name in item.__struct_fields__ and getattr(item, name) != wanted:
                raise self.missing()
        return item

    def _lead_id(self, call: Call[Any, Any], *, always: bool = False) -> UUID | None:
        """Of whom the call is, once that is proven. Raises Invalid, Unauthenticated, Forbidden."""
        named: Sequence[UUID] = [id for name in self.leads if (id := getattr(call.query, name))]
        if named:
            prove(call, named[0])
        elif self.leads and (always or call.caller.key.purpose == "STOREFRONT"):
            why = "" if always else ": this key is for a shop's pages"
            raise invalid(self.leads[0], f"a {' or a '.join(self.leads)}{why}")
        return named[0] if named else None

    def _declare(self, act: Act, run: Any, answer: Any, path: str, summary: str) -> Act:
        run.__name__, run.__doc__ = act.__name__, act.__doc__
        run.__annotations__ |= {"call": get_type_hints(act)["call"], "return": answer}
        merchant.get(self.path + path, summary, **self.more)(run)
        return act
