"""The sandbox's one page: what came in, newest first."""

from collections.abc import Sequence
from html import escape

from regulars.sandbox.faults import Fault
from regulars.sandbox.memory import Memory, Received

_CALLS_SHOWN_MAX = 50
_HEAD = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>Sandbox</title><style>
:root{color-scheme:light dark;--line:color-mix(in srgb,currentColor 18%,transparent)}
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
td,th{text-align:left;padding:.4rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}
pre{white-space:pre-wrap;overflow-wrap:anywhere;font-size:13px;margin:.4rem 0}summary{cursor:pointer}
</style></head><body><main><h1>Sandbox</h1>
<p>Look-alikes of the tools that events are sent to. Nothing here reaches a customer.</p>"""


def render(memory: Memory, faults: Sequence[Fault]) -> str:
    parts = [_HEAD, "<h2>Counts</h2><table><tr><th>Tool<th>Calls<th>Events<th>Duplicates<th>Answers</tr>"]
    for tool, counts in memory.counts.items():
        statuses = ", ".join(
            f"{key}: {n:,}" for key, n in sorted(counts.items()) if key.isdigit() or key == "unanswered"
        )
        parts.append(
            f"<tr><td>{escape(tool)}<td>{counts['calls']:,}<td>{counts['events']:,}<td>{counts['duplicates']:,}"
            f"<td>{escape(statuses) or 'none yet'}</tr>"
        )
    told = ", ".join(f"{fault.tool} {fault.fault}" for fault in faults)
    parts.append(f"</table><p>Told to go wrong: {escape(told) or 'nothing'}.</p><h2>Newest calls</h2>")
    newest = list(memory.newest)[-_CALLS_SHOWN_MAX:]
    if not newest:
        parts.append("<p>No call yet. Connect a tool to this address, then Initialize.</p>")
    parts.append("<table>")
    parts += [_row(received) for received in reversed(newest)]
    parts.append("</table></main></body></html>")
    return "".join(parts)


def _row(received: Received) -> str:
    call = received.call
    headers = "\n".join(f"{name}: {value}" for name, value in call.headers.items())
    status = str(received.status) if received.status is not None else "no answer"
    if received.fault is not None:
        status += f" ({received.fault})"
    summary = escape(f"{call.method} {call.path}: {received.words}")
    detail = escape(f"{headers}\n\n{call.body.decode('utf-8', 'replace')}")
    return (
        f"<tr><td>{received.at:%H:%M:%S}<td>{escape(status)}"
        f"<td><details><summary>{summary}</summary><pre>{detail}</pre></details></tr>"
    )
