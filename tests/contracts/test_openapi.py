"""Whatever fits an OpenAPI document, or nearly fits, is answered as the document says: never with a 500."""

import re

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from regulars.api import docs
from regulars.api.documents import openapi
from regulars.api.management import management
from regulars.api.merchant import merchant
from regulars.api.operations import Api
from tests.contracts.conftest import Served

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]

# What would call other machines, or take away the key that the test itself holds.
LEFT_OUT = {"/api/v1/keys/{id}", "/api/v1/send-events/{id}/test", "/api/v1/integrations/{id}/initialize"}

few = settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@schemathesis.serializer("text/csv")
def _file(_: object, value: object) -> bytes:
    return str(value).encode()


def _document(api: Api) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_dict(openapi([api])).exclude(path=sorted(LEFT_OUT))


@_document(merchant).parametrize()
@few
def test_the_merchant_api_keeps_to_its_document(case: schemathesis.Case, served: Served) -> None:
    _call(case, served, {"x-apikey": served.key, "x-source": "unix"})


@_document(management).parametrize()
@few
def test_the_management_api_keeps_to_its_document(case: schemathesis.Case, served: Served) -> None:
    _call(case, served, {"authorization": f"Bearer {served.key}"})


def _call(case: schemathesis.Case, served: Served, headers: dict[str, str]) -> None:
    case.headers = {**(case.headers or {}), "x-workspaceid": served.workspace_id, **headers}
    case.call_and_validate(base_url=served.url, checks=CHECKS)


def test_the_documents_are_pages_too(served: Served) -> None:
    for path in ("/api/docs", "/api/docs/merchant", "/api/docs/management", "/api/docs/events"):
        page = httpx.get(served.url + path)
        assert page.status_code == 200
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        policy = page.headers["content-security-policy"]
        assert policy.startswith("default-src 'none';")
        # What a script draws comes from here alone, and has no script in it; the others have none at all.
        drawn = "<script" in page.text
        assert ("script-src 'self';" in policy) is drawn is path.endswith(("merchant", "management"))
        assert not drawn or "unsafe" not in policy
        assert re.findall(r"(?:src|href)=\"(?!/|#|https://www.asyncapi)", page.text) == []
        for named in re.findall(r"(?:src|href)=\"(/static/[^\"]+)", page.text):
            assert httpx.get(served.url + named).status_code == 200
    assert httpx.get(f"{served.url}/api/docs/openapi.json").json()["openapi"] == "3.1.0"


def test_the_process_says_how_it_is(served: Served) -> None:
    assert httpx.get(f"{served.url}/healthz").text == "ok\n"
    assert httpx.get(f"{served.url}/readyz").text == "ok\n"
    assert httpx.head(f"{served.url}/readyz").status_code == 200
    httpx.post(f"{served.url}/api/v2/merchant/activities")
    counted = 'regulars_http_request_seconds_count{route="POST /api/v2/merchant/activities",status="401"}'
    assert counted in httpx.get(f"{served.url}/metrics").text


OF_WORK = ("tool", "outcome", "loop", "reader")
"""Labels of what workers do, none of which may have run here; each names something that there is in every shop."""


def test_what_is_counted_says_nothing_of_any_shop(served: Served) -> None:
    """It is read without a key: every label is the same in every shop, and nothing that a caller sent."""
    sent = "01a1fffb-0bb0-7000-85cc-11bb84f14398"
    for path in (f"/api/v2/merchant/leads/{sent}", f"/api/v1/customers/{sent}?q={sent}", f"/nothing/{sent}"):
        httpx.get(f"{served.url}{path}", headers={"x-apikey": sent, "x-workspaceid": sent, "x-source": "web"})
    text = httpx.get(f"{served.url}/metrics").text
    assert "/leads/{id}" in text
    assert sent not in text
    labels = set(re.findall(r"(\w+)=\"", text))
    assert {"route", "status", "table", "le"} <= labels <= {"route", "status", "table", "le", *OF_WORK}


def test_a_document_is_made_once_however_often_a_stranger_asks_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []
    monkeypatch.setattr(docs, "openapi", lambda apis: made.append(apis) or {})
    (served,) = [one for one in docs.handlers([merchant]) if "/api/docs/merchant.json" in one.paths]
    assert [served.fn().content for _ in range(3)] == [b"{}"] * 3
    assert len(made) == 1
