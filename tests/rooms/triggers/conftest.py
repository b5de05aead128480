import pytest

from regulars import tenancy
from regulars.kit.clock import HandClock
from regulars.kit.db import Database
from tests.rooms.triggers.till import Till


@pytest.fixture
def till(db: Database, workspace: tenancy.Workspace, clock: HandClock) -> Till:
    return Till(db, workspace, clock)
