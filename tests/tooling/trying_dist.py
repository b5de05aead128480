"""The wheel in `dist`, installed where nothing else is, far from the checkout. Run by `make dist`."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx

from tests.tooling.test_up import CHECKOUT, free_port, said


def test_the_wheel_runs_where_nothing_else_is() -> None:
    with tempfile.TemporaryDirectory(prefix="regulars-test-") as name:
        Path(name).chmod(0o755)  # a root's server runs as another account and has to get through
        home, port = Path(name), free_port()
        program = installed(home / "venv")
        environment = {"PATH": os.defpath, "HOME": name}
        command = [program, "up", "--port", str(port)]
        with subprocess.Popen(command, env=environment, cwd="/", stdout=subprocess.PIPE, text=True) as process:
            try:
                assert said(process, "Ready")
                make = [program, "workspace", "create", "Corner Shop", "--json"]
                made = json.loads(
                    subprocess.run(make, env=environment, cwd="/", capture_output=True, check=True).stdout
                )
                with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
                    all_is_there(client, made)
                process.send_signal(signal.SIGTERM)
                assert process.wait(60) == 0
            finally:
                process.kill()
        assert (home / ".local/share/regulars/secret_key").exists()


def installed(venv: Path) -> str:
    (wheel,) = (CHECKOUT / "dist").glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    install = [venv / "bin/python", "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    subprocess.run([*install, "--require-hashes", "--requirement", CHECKOUT / "requirements.lock"], check=True)
    subprocess.run([*install, "--no-deps", wheel], check=True)
    return str(venv / "bin/regulars")


def all_is_there(client: httpx.Client, made: dict[str, str]) -> None:
    """Pages with all that they load, the documents of the APIs, and an order that is taken."""
    for path in ("/sign-in", "/api/docs"):
        page = client.get(path)
        assert page.status_code == 200, page.text
        loaded = re.findall(r'(?:src|href)="(/[^"]+\.(?:js|css|svg)[^"]*)"', page.text)
        assert loaded
        assert {one: client.get(one).status_code for one in loaded} == dict.fromkeys(loaded, 200)
    headers = {"authorization": f"Bearer {made['write_key']}", "x-workspaceid": made["workspace_id"]}
    order = {
        "source": "till",
        "reference_id": "1",
        "customer": {"customer_id": "customer-1"},
        "amount": "12.50",
        "currency_code": "usd",
    }
    order |= {"placed_at": "2026-03-14T09:26:53Z", "financial_status": "paid"}
    taken = client.post("/api/v1/orders", json=order, headers=headers | {"idempotency-key": "1"})
    assert taken.status_code in (200, 201), taken.text
