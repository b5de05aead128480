"""What `regulars bench` does: run it all, say on standard error how far it is, print the figures."""

import sys

import msgspec
from rich.console import Console

from regulars.bench import figures
from regulars.bench.figures import Row
from regulars.bench.plan import BIG, FULL
from regulars.bench.running import run
from regulars.kit.processes import run_until_told
from regulars.kit.settings import Settings


def command(settings: Settings, *, as_json: bool, only: str = "", big: bool = False) -> None:
    """Told to stop (Ctrl-C, SIGTERM), it cleans up and exits with 130. Raises BenchFailed, EmbeddedError,
    MigrationError."""
    rows: list[Row] = []
    plan = msgspec.structs.replace(BIG if big else FULL, only=only)

    async def measure() -> None:
        rows.extend(await run(settings, say=_say, plan=plan))

    run_until_told(measure())
    if not rows:
        sys.exit(130)
    if as_json:
        sys.stdout.write(f"{figures.as_json(rows)}\n")
    else:
        Console().print(figures.table(rows))


def _say(line: str) -> None:
    sys.stderr.write(f"bench: {line}\n")
    sys.stderr.flush()
