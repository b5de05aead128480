"""What only a real connection can do wrong: each is answered, or the connection is closed, and the server goes on."""

import json
import socket
from urllib.parse import urlsplit

import httpx
import pytest

from tests.contracts.conftest import Served

PATIENCE_S = 30.0

CASES = {
    "no HTTP": b"hello\r\n\r\n",
    "half a head": b"POST /api/v2/merchant/activities HTTP/1.1\r\nhost: x",
    "a length that is no number": b"POST /api/v2/merchant/leads HTTP/1.1\r\nhost: x\r\ncontent-length: ten\r\n\r\n{}",
    "a negative length": b"POST /api/v2/merchant/activities HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n{}",
    "less than was promised": b"POST /api/v2/merchant/activities HTTP/1.1\r\nhost: x\r\ncontent-length: 99\r\n\r\n{}",
    "a header without end": b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-long: " + b"x" * 500_000,
    "a garbled chunk": b"POST /api/v2/merchant/leads HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    "a bad escape": b"GET /api/v2/merchant/leads/%zz?x=%f HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    "a path of bytes": b"GET /api/v1/\xff\xfe HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    "a key of bytes": b"GET /api/v1/keys HTTP/1.1\r\nhost: x\r\nx-apikey: \xff\xfe\r\nx-workspaceid: \xff\r\n\r\n",
}


@pytest.mark.parametrize("case", CASES)
def test_a_garbled_request_ends_with_itself(served: Served, case: str) -> None:
    where = urlsplit(served.url)
    with socket.create_connection((where.hostname or "", where.port or 0), timeout=PATIENCE_S) as connection:
        try:
            connection.sendall(CASES[case])
            connection.shutdown(socket.SHUT_WR)
            answer = connection.recv(1_000)
        except TimeoutError:
            raise  # silence is no answer, and to be cut off is one
        except OSError:
            answer = b""
    assert not answer.startswith(b"HTTP/1.1 5")
    assert httpx.get(f"{served.url}/healthz").status_code == 200


@pytest.mark.parametrize("path", ["/api/v2/merchant/activities", "/api/v2/merchant/leads", "/api/v1/orders"])
def test_a_body_is_cut_off_at_its_limit(served: Served, path: str) -> None:
    headers = {"x-apikey": served.key, "x-workspaceid": served.workspace_id, "x-source": "unix"}
    chunks = (b"x" * 100_000 for _ in range(30))
    try:
        answer = httpx.post(served.url + path, headers=headers | {"content-type": "application/json"}, content=chunks)
        assert answer.status_code == 413
    except (httpx.NetworkError, httpx.RemoteProtocolError):
        # The server had heard enough and closed the connection while more was being sent.
        assert httpx.get(f"{served.url}/healthz").status_code == 200


@pytest.mark.parametrize("path", ["/api/v2/merchant/leads", "/api/v2/merchant/activities"])
def test_a_caller_who_hangs_up_within_the_body_has_asked_for_nothing(served: Served, path: str) -> None:
    """What came could be read as a whole body, but more was promised."""
    where = urlsplit(served.url)
    trigger = httpx.post(
        f"{served.url}/api/v1/triggers",
        headers={"authorization": f"Bearer {served.key}", "x-workspaceid": served.workspace_id},
        json={"name": "Cut", "source": "api", "rule": {"coins_min": 1, "coins_max": 1}},
    ).json()["id"]
    customer_id = f"cut-off-{path.rpartition('/')[2]}"
    body = {"customer_id": customer_id, "metadetail": {"email": "asha@example.com"}}
    raw = json.dumps(body | ({"trigger_id": trigger} if path.endswith("activities") else {})).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nhost: x\r\nx-apikey: {served.key}\r\nx-workspaceid: {served.workspace_id}\r\n"
        f"x-source: unix\r\ncontent-type: application/json\r\ncontent-length: {len(raw) + 9}\r\n\r\n"
    )
    with socket.create_connection((where.hostname or "", where.port or 0), timeout=PATIENCE_S) as connection:
        connection.sendall(head.encode() + raw)
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1_000)
    headers = {"x-apikey": served.key, "x-workspaceid": served.workspace_id, "x-source": "unix"}
    nobody = "/api/v2/merchant/leads/00000000-0000-0000-0000-000000000000"
    found = httpx.get(f"{served.url}{nobody}?customer_id={customer_id}", headers=headers)
    assert found.json()["data"]["message"] == "Lead does not exists"
