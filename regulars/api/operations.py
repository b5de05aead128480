"""What an API's operation is: a method, a path, and an act whose signature says all the rest.

    @merchant.get("/leads/{id}", "Find a customer", tag="Leads", access="READ")
    async def find_lead(call: Call[LeadQuery, None], tx: Tx) -> LeadAnswer: ...

The query, the body and the answer are msgspec structs named in the signature: requests are checked by them, answers are
written from them, and the OpenAPI document is made of them. A read is handed a connection, a write one transaction in
which its answer is stored under its Idempotency-Key; an act that calls the outside world takes no `tx` and opens its
own. An act on `calls`, a list, is handed all that come at once, and answers each or refuses it.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar, get_args, get_type_hints
from uuid import UUID

import msgspec

from regulars import tenancy
from regulars.api.failures import Style
from regulars.api.gate import Caller
from regulars.api.reading import an_id
from regulars.kit import Reading, Refusal, Tx
from regulars.tenancy import Workspace
from regulars.tenancy.model import Area
from regulars.wiring import App

Q = TypeVar("Q")
B = TypeVar("B")
T = TypeVar("T")
Act = TypeVar("Act", bound=Callable[..., Awaitable[Any]])

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
AccessNeeded = Literal["READ", "WRITE"]
Transaction = Literal["reading", "writing", "none"]


@dataclass(slots=True)
class Call(Generic[Q, B]):
    """One request that was let in, its parts typed."""

    app: App
    caller: Caller
    now: datetime
    query: Q
    body: B
    request: Any
    reply_headers: dict[str, str] = field(default_factory=dict)

    @property
    def path(self) -> Mapping[str, str]:
        return self.request.path_params  # type: ignore[no-any-return]

    @property
    def headers(self) -> Mapping[str, str]:
        return self.request.headers  # type: ignore[no-any-return]

    @property
    def workspace(self) -> Workspace:
        return self.caller.workspace

    @property
    def workspace_id(self) -> UUID:
        return self.caller.workspace.id

    def path_id(self, name: str = "id") -> UUID:
        """Raises Invalid naming it."""
        return an_id(name, self.path[name])

    async def audit(self, tx: Tx, act: str, target: object = "", **detail: Any) -> None:
        """Say who did this, in the transaction that does it."""
        await tenancy.audit(tx, self.workspace_id, self.caller.actor, act, str(target), now=self.now, detail=detail)


Check = Callable[[Call[Any, Any]], object]


class NoQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """This operation takes no query parameters."""


class Operation(msgspec.Struct, frozen=True):
    """One operation. `path` is below the API's base; a path parameter is an id, unless it is named in `texts`.

    `stored`: its answer is kept under the Idempotency-Key. Not so where the answer holds a secret. `served`: by this
    table; otherwise the table only documents it. `each`: the body is this, or a list of which each item is read by
    itself, so that the act is handed what can be read and, in place of what can't, the refusal. `check` says what of a
    body is refused, or of an item of `each`, without doing anything: asked where a part of it can't be read, so that
    all is said at once; an act that is handed a transaction is asked itself. A body of type BinaryIO
    is a file as it came, at most limits.UPLOAD_BYTES_MAX long. With `bytes_max` a body may be so long, and may come as
    a form with a file, which is then said in base64. `counted` counts what comes from a page, and raises TooMany.
    A key needs `access` to the `area`, or to the merchant API. `together`: calls of a workspace that come at once share
    one transaction; `act` does one alone.
    """

    method: Method
    path: str
    name: str
    summary: str
    description: str
    tag: str
    area: Area | None
    access: AccessNeeded
    transaction: Transaction
    stored: bool
    query: type[Any]
    body: type[Any] | None
    answer: type[Any] | None
    act: Callable[..., Awaitable[Any]]
    status: int = 200
    headers: tuple[str, ...] = ()
    served: bool = True
    each: type[Any] | None = None
    check: Check | None = None
    together: Callable[..., Awaitable[Sequence[Any]]] | None = None
    bytes_max: int = 0
    counted: Callable[[App, Any], Awaitable[None]] | None = None

    @property
    def listed(self) -> bool:
        """Whether it answers a page of a list, which may also be asked for as CSV."""
        names = getattr(self.answer, "__struct_fields__", ())
        return self.method == "GET" and "items" in names and "next" in names

    @property
    def path_names(self) -> list[str]:
        return [part[1:-1] for part in self.path.split("/") if part.startswith("{")]


class Api:
    """One of the APIs: its base path, the way it says no, and its operations, grouped by `tags` in this order, each
    with the area that a key needs a right to. What is told of it as a whole is `templates/<name>.md`."""

    def __init__(self, name: str, base: str, style: Style, title: str, tags: Mapping[str, Area | None]) -> None:
        self.name = name
        self.base = base
        self.style = style
        self.title = title
        self.description = (Path(__file__).parent / f"templates/{name}.md").read_text(encoding="utf-8").strip()
        self.tags = tags
        self.operations: list[Operation] = []

    def get(self, path: str, summary: str, **more: Any) -> Callable[[Act], Act]:
        return self.operation("GET", path, summary, **more)

    def post(self, path: str, summary: str, **more: Any) -> Callable[[Act], Act]:
        return self.operation("POST", path, summary, **more)

    def put(self, path: str, summary: str, **more: Any) -> Callable[[Act], Act]:
        return self.operation("PUT", path, summary, **more)

    def patch(self, path: str, summary: str, **more: Any) -> Callable[[Act], Act]:
        return self.operation("PATCH", path, summary, **more)

    def delete(self, path: str, summary: str, **more: Any) -> Callable[[Act], Act]:
        return self.operation("DELETE", path, summary, **more)

    def operation(
        self,
        method: Method,
        path: str,
        summary: str,
        *,
        tag: str,
        area: Area | None = None,
        access: AccessNeeded | None = None,
        stored: bool = True,
        **more: Any,
    ) -> Callable[[Act], Act]:
        """`headers` are further request headers it reads; `area` where it is another than its tag's. A GET reads."""
        assert tag in self.tags

        def declare(act: Act) -> Act:
            hints = get_type_hints(act, include_extras=True)
            together, answer = None, hints["return"]
            alone: Callable[..., Awaitable[Any]] = act
            if "calls" in hints:
                (hints["call"],) = get_args(hints["calls"])
                answer = get_args(get_args(answer)[0])[0]
                together, alone = act, _alone(act)
            query, body = get_args(hints["call"])
            transaction: Transaction = "none"
            if "tx" in hints:
                transaction = "reading" if method == "GET" or hints["tx"] is Reading else "writing"
            self.operations.append(
                Operation(
                    method=method,
                    path=path,
                    name=act.__name__,
                    summary=summary,
                    description=inspect.getdoc(act) or "",
                    tag=tag,
                    area=area or self.tags[tag],
                    access=access or ("READ" if method == "GET" else "WRITE"),
                    transaction=transaction,
                    stored=stored and transaction == "writing",
                    query=query,
                    body=None if body is type(None) else body,
                    answer=None if answer is type(None) else answer,
                    act=alone,
                    together=together,
                    **more,
                )
            )
            return act

        return declare


def _alone(together: Callable[..., Awaitable[Sequence[Any]]]) -> Callable[..., Awaitable[Any]]:
    async def act(call: Call[Any, Any], tx: Tx) -> Any:
        (answer,) = await together([call], tx)
        if isinstance(answer, Refusal):
            raise answer
        return answer

    return act


def tried(do: Callable[[], T]) -> T | Refusal:
    """What it answers, or the refusal: of calls that share a transaction, one stops no other."""
    try:
        return do()
    except Refusal as refusal:
        return refusal
