"""What every page's handler is handed: the shop, the person, the time, and how to read, change, show and go on."""

import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from jinja2 import Environment
from litestar import Request, Response
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.enums import MediaType

from regulars import tenancy
from regulars.dashboard import security
from regulars.dashboard.forms import Form, read_form
from regulars.dashboard.rendering import context_of, here_of
from regulars.kit import Faults, Forbidden, Invalid, Reading, Refusal, Tx
from regulars.wiring import App

Call = Request[Any, Any, Any]


class Desk:
    """One request of somebody who is signed in."""

    def __init__(
        self,
        app: App,
        templates: Environment,
        request: Call,
        *,
        workspace: tenancy.Workspace,
        who: tenancy.Person,
        token: str,
    ) -> None:
        self.app = app
        self.request = request
        self.workspace = workspace
        self.who = who
        self.now: datetime = app.clock.now()
        self.csrf_token = security.csrf_token(token)
        self._form: Form | None = None
        self._about: tuple[object, dict[str, Any]] = ("", {})
        self._templates = templates

    @property
    def id(self) -> UUID:
        """The workspace's id, the first argument of nearly every act."""
        return self.workspace.id

    @property
    def key(self) -> UUID:
        """The id that stands in the address."""
        return self.id_of("id")

    def id_of(self, name: str) -> UUID:
        """Another one that stands there."""
        found: UUID = self.request.path_params[name]
        return found

    @property
    def zone(self) -> ZoneInfo:
        return self.workspace.zone

    def only_owners(self, what: str) -> None:
        """Raises Forbidden."""
        if self.who.role != "owner":
            raise Forbidden(f"Only an owner of this workspace can {what}.")

    def reading(self) -> AbstractAsyncContextManager[Reading]:
        return self.app.db.reading()

    @asynccontextmanager
    async def changing(self, act: str, target: object = "", **detail: Any) -> AsyncIterator[Tx]:
        """One transaction that also says in the audit log who did what to what. Raises Invalid, and changes nothing,
        when the request's form could not be read as it was asked to be."""
        faults = self._form.faults if self._form else Faults()
        self._about = target, detail
        async with self.app.db.transaction() as tx:
            try:
                yield tx
            except Refusal as refusal:
                # Perhaps of what stood in for a field that could not be read, so the form's own faults come first.
                if faults.fields and isinstance(refusal, Invalid):
                    faults.note(refusal)
                faults.check()
                raise
            faults.check()
            target, detail = self._about
            await self.audit(tx, act, target, **detail)

    def about(self, target: object, **detail: Any) -> None:
        """What the audit log says of the change that is being made, where that is known only now."""
        self._about = target, detail

    async def do(self, act: str, then: str, said: str, do: Callable[[Tx], Awaitable[Any]]) -> Response[Any]:
        """A change of what the address names, or of the shop. Then on to `then`, and say so there: in words that it
        answers, or else `said`; or whatever response it answers."""
        async with self.changing(act, self.request.path_params.get("id", self.id)) as tx:
            answer = await do(tx)
        if isinstance(answer, Response):
            return answer
        return self.see(then.format(**self.request.path_params), answer or said)

    async def audit(self, tx: Tx, act: str, target: object = "", **detail: Any) -> None:
        await tenancy.audit(tx, self.id, self.who.actor, act, str(target), now=self.now, detail=detail)

    async def form(self) -> Form:
        """As it came; one and the same, however often it is asked for."""
        if self._form is None:
            self._form = await read_form(self.request)
        return self._form

    def blank(self, **values: Any) -> Form:
        """A form to be filled in, or to be looked at by a reader."""
        return Form(values=values, locked=not self.who.may_write)

    def page(self, template: str, *, status: int = 200, **context: Any) -> Response[str]:
        """An HTML page; what was said by the act before it is shown once, and not beside a no."""
        said = _read_said(security.read_cookie(self.app.settings, self.request, security.SAID_COOKIE))
        said = said if status < 400 else ""
        response = drawn(
            self._templates,
            template,
            self.request,
            status,
            workspace=self.workspace,
            who=self.who,
            now=self.now,
            zone=self.zone,
            csrf_token=self.csrf_token,
            here=here_of(self.request.scope["path"]),
            path=self.request.scope["path"],
            posted=self.request.method == "POST",
            origin=self.app.settings.address(),
            **({"said": said} | context),
        )
        if said:
            response.set_cookie(security.cookie(self.app.settings, self.request, security.SAID_COOKIE, "", max_age_s=0))
        return response

    def secret(
        self,
        title: str,
        words: str,
        secrets: Sequence[str],
        done: str,
        what: str = "the secret",
        below: str = "",
        **more: Any,
    ) -> Response[str]:
        """What is shown once, with `words` of what it is for. `done` is where to go on, `below` a template for more."""
        context: dict[str, Any] = {"title": title, "words": words, "secrets": secrets, "done": done, "what": what}
        return self.page("pages/secret.html", **context, below=below, **({"result": None} | more))

    def see(self, address: str, said: str = "") -> Response[str]:
        """Done: go there, and say so there. A form sent by htmx is told by a header, so that the page is left."""
        address, cookies = security.location(address), list[Cookie]()
        if said:
            text = base64.urlsafe_b64encode(said[:300].encode()).decode()
            cookies.append(security.cookie(self.app.settings, self.request, security.SAID_COOKIE, text, max_age_s=30))
        if self.request.headers.get("hx-request"):
            return Response("", status_code=204, headers={"hx-redirect": address}, cookies=cookies)
        return Response("", status_code=303, headers={"location": address}, cookies=cookies)


Handed = NamedDependency[Desk]
"""How a handler asks for the desk of its request."""


def drawn(templates: Environment, template: str, request: Call, status: int = 200, **context: Any) -> Response[str]:
    """An HTML page; whose, is the template's context."""
    html = templates.get_template(template).render(context_of(theme=security.theme_of(request)) | context)
    return Response(html, status_code=status, media_type=MediaType.HTML)


def uuid_of(text: str) -> UUID | None:
    """An id in an address; None when it is no id at all, which the caller answers like an unknown one."""
    try:
        return UUID(text)
    except ValueError:
        return None


def _read_said(text: str) -> str:
    try:
        return base64.urlsafe_b64decode(text).decode()[:300]
    except ValueError:
        return ""


__all__ = ["Call", "Desk", "Form", "Handed", "drawn", "uuid_of"]
