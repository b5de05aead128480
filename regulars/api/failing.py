"""What is answered where no operation was reached: an unknown address, a wrong method, a body too long, a bug."""

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException

from regulars import dashboard
from regulars.api.failures import Failure, failure, failure_of
from regulars.api.operations import Api
from regulars.api.serving import CORS, bug
from regulars.kit import Refusal

Http = Request[Any, Any, Any]

_CODES = {
    400: ("malformed", "The request can't be read."),
    404: ("route_not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address takes another method; the Allow header says which."),
    413: ("body_too_large", "The body is too long."),
}


def exception_handlers(apis: Sequence[Api]) -> dict[int | type[Exception], Callable[[Http, Any], Response[Any]]]:
    """In the words of the API whose address it is; people get a page."""

    def api_of(request: Http) -> Api | None:
        return next((api for api in apis if request.scope["path"].startswith(f"{api.base}/")), None)

    def answer(request: Http, failed: Failure) -> Response[bytes]:
        api = api_of(request)
        headers = {**(CORS if api and api.style == "envelope" else {}), **failed.headers}
        return Response(failed.body, status_code=failed.status, headers=headers, media_type=failed.media_type)

    def refused(request: Http, refusal: Refusal) -> Response[bytes]:
        api = api_of(request)
        return answer(request, failure_of(refusal, api.style if api else "problem"))

    def raised(request: Http, error: HTTPException) -> Response[Any]:
        api = api_of(request)
        status = error.status_code
        if api is None and "text/html" in request.headers.get("accept", ""):
            return dashboard.lost(request, status)
        code, message = _CODES.get(status, ("refused", HTTPStatus(status).phrase))
        headers = {name: value for name, value in (error.headers or {}).items() if name.lower() == "allow"}
        return answer(request, failure(api.style if api else "problem", status, code, message, None, headers))

    def broke(request: Http, error: Exception) -> Response[bytes]:
        return answer(
            request, bug(api_of(request), f"{request.method} {request.scope.get('path_template', '')}", error)
        )

    return {Refusal: refused, HTTPException: raised, Exception: broke}
