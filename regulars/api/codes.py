"""Every code that an answer, a firing, a rule or a delivery can carry: when it is said, and what to do then.

A code is raised where it is found out, in a room; what it asks of an integrator is said once, in `templates/codes.md`,
and told by the OpenAPI documents and docs/generated. Tests hold both against the code, and every answer of every story
against this.
"""

from itertools import takewhile
from pathlib import Path

import jinja2

from regulars import limits

TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=jinja2.select_autoescape(["html"]),
    trim_blocks=True,
    lstrip_blocks=True,
)

PAGE = TEMPLATES.get_template("codes.md").render(limits=limits)


def table(head: str) -> str:
    """The Markdown table of the page that begins with this column."""
    after = PAGE[PAGE.index(f"| {head} |") :].splitlines()
    return "\n".join(takewhile(lambda line: line.startswith("|"), after))


def _rows(head: str) -> list[list[str]]:
    return [row.strip("| ").replace("`", "", 2).split(" | ") for row in table(head).splitlines()[2:]]


REFUSALS = {code: int(status) for code, status, _, _ in _rows("code")}
"""Each with the management API's status; the merchant API says 422 of what is 404 or 409 there."""
FIRINGS, RULES, ATTEMPTS = ({what for what, _, _ in _rows(head)} for head in ("reason", "what", "outcome"))
