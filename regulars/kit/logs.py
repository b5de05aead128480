"""Logs are lines of JSON on standard output, one wide line per fact; a person at a terminal gets them in colour.

What the libraries log with Python's own `logging` becomes such lines too. What strangers sent stands in them escaped,
so that nobody writes a line of their own, or moves the cursor of whoever reads.
"""

import logging
import sys

import structlog

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def configure(level: str) -> None:
    """`level` is the least severe that is written: debug, info, warning or error. Libraries speak from warning on."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    at_terminal = sys.stdout.isatty()
    last: list[structlog.typing.Processor] = [
        structlog.processors.format_exc_info,
        *([_escaped, structlog.dev.ConsoleRenderer()] if at_terminal else [structlog.processors.JSONRenderer()]),
    ]
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(_LEVELS[level], logging.WARNING), force=True)


def printable(text: str, *, keep: str = "") -> str:
    """The text with whatever is no visible character as an escape, but for those in `keep`."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in keep else c.encode("unicode_escape").decode() for c in text)


def _escaped(_: object, __: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Tracebacks keep their lines, each indented so that it is not taken for another entry."""
    for name, value in line.items():
        line[name] = printable(str(value)) if name != "exception" else printable(value, keep="\n").replace("\n", "\n  ")
    return line
