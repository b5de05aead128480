"""A real browser before the real application: server, worker and sandbox run in one loop with the tests, on a real
database. Every page that a test opens is watched: an error in the console, or anything that the content security policy
had to block, fails the test."""

import asyncio
import os
import re
import shutil
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
import uvicorn
from playwright.async_api import Browser, BrowserContext, Page, async_playwright
from pydantic import SecretStr

from regulars import sandbox, tenancy, worker
from regulars.api.app import Doors
from regulars.dashboard.security import SESSION_COOKIE
from regulars.kit.ids import new_id
from regulars.kit.settings import Settings
from regulars.serving import HOW
from regulars.tenancy import Workspace
from regulars.wiring import App
from tests import make
from tests.conftest import fresh_database

PASSWORD = "correct horse battery"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-features=LocalNetworkAccessChecks",  # pages of made-up shops ask the server on this machine
    "--no-first-run",
]


class Site:
    """The running product: where it is, and what a test needs to prepare a shop."""

    def __init__(self, app: App, url: str, style_url: str, sandbox_url: str) -> None:
        self.app = app
        self.url = url
        self.style_url = style_url
        self.sandbox_url = sandbox_url

    async def shop(self, name: str = "Corner Shop") -> Workspace:
        async with self.app.db.transaction() as tx:
            return await tenancy.create_workspace(tx, name, now=self.app.clock.now(), time_zone="Europe/Berlin")

    async def staff(self, shop: Workspace, role: Any = "owner", name: str = "Olivia Owner") -> str:
        """A new person's e-mail."""
        email = f"{role}-{new_id().hex[-8:]}@example.com"
        async with self.app.db.transaction() as tx:
            await tenancy.add_staff(
                tx, shop.id, email, make.hashed(PASSWORD), now=self.app.clock.now(), name=name, role=role
            )
        return email

    async def session(self, email: str) -> str:
        async with self.app.db.transaction() as tx:
            return (await make.signed_in(tx, email, PASSWORD, self.app.clock.now())).token


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


async def listening(port: int) -> None:
    for _ in range(200):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.02)
        else:
            writer.close()
            return
    raise TimeoutError(f"nothing listens on port {port}")


@pytest.fixture(scope="session")
def chromium() -> str:
    names = ("chromium", "chromium-browser", "google-chrome")
    found = os.environ.get("CHROMIUM") or next((path for name in names if (path := shutil.which(name))), None)
    if not found:
        pytest.skip("No Chromium was found (Debian: apt-get install chromium), so the browser tests are left out.")
    return found


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def site(chromium: str, server_url: str) -> AsyncIterator[Site]:
    """It ends with the tests of this folder, and has a database of its own, whose worker it is."""
    port, style_port, sandbox_port = free_port(), free_port(), free_port()
    settings = Settings(
        DATABASE_URL=await fresh_database(server_url),
        port=port,
        sandbox_port=sandbox_port,
        allow_loopback=True,
        secret_key=SecretStr("a secret for the browser tests only"),
    )
    app = await App.open(settings)
    shown = await App.open(settings.model_copy(update={"log_level": "debug"}))
    servers = [
        uvicorn.Server(uvicorn.Config(application, port=at, lifespan="off", **HOW))
        for application, at in ((Doors(app), port), (Doors(shown), style_port))
    ]
    async with sandbox.running("127.0.0.1", sandbox_port):
        tasks = [asyncio.create_task(server.serve()) for server in servers]
        tasks.append(
            asyncio.create_task(worker.work(app.db, worker.Carriers(app.box), app.http, app.box, clock=app.clock))
        )
        await listening(port)
        await listening(style_port)
        address = "http://127.0.0.1:{}"
        yield Site(app, address.format(port), address.format(style_port), address.format(sandbox_port))
        for server in servers:
            server.should_exit = True
        tasks[-1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    await shown.close()
    await app.close()


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield launched
        await launched.close()


Open = Callable[..., Awaitable[Page]]


@pytest_asyncio.fixture(loop_scope="session")
async def visit(site: Site, browser: Browser) -> AsyncIterator[Open]:
    """`await visit(email)`: a page of somebody who is signed in; with no e-mail, of somebody who is not."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    async def visit_as(email: str = "", *, at: str = "", width: int = 1280, **options: Any) -> Page:
        base = at or site.url
        context = await browser.new_context(base_url=base, viewport={"width": width, "height": 860}, **options)
        context.set_default_timeout(10_000)
        contexts.append(context)
        if email:
            cookie = {"name": SESSION_COOKIE, "value": await site.session(email), "url": base}
            await context.add_cookies([cookie])  # type: ignore[list-item]
        page = await context.new_page()
        page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
        page.on("console", lambda said: note(page, said.type, said.text))
        return page

    def note(page: Page, kind: str, text: str) -> None:
        # Chromium reports each answer of 4xx as an error; forms that fail are answered so on purpose. A request that
        # another takes the place of is given up on purpose, too.
        if kind == "error" and not re.search("responded with a status of 4|^htmx:(sendAbort|afterRequest)", text):
            complaints.append(f"{page.url}: {text}")

    yield visit_as
    for context in contexts:
        await context.close()
    assert complaints == []
