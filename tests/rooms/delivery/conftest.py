from collections.abc import AsyncIterator

import pytest

from regulars.kit.clock import HandClock
from regulars.kit.db import Database
from tests.rooms.delivery.street import Corner, corner


@pytest.fixture
async def shop(db: Database, clock: HandClock) -> AsyncIterator[Corner]:
    async with corner(db, clock) as made:
        yield made
