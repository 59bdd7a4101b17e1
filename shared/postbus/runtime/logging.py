"""Structured logs: constant event names, values as fields, one line a unit of work."""

import logging
import sys
from typing import Any

import orjson
import structlog

get_logger = structlog.get_logger


def configure(service: str, *, log_format: str, level: str) -> None:
    """Set up logging for the process; everything goes to standard error."""
    threshold = getattr(logging, level.upper())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if log_format == "json":
        shared += [
            # Without locals: they hold mails and addresses.
            structlog.processors.ExceptionRenderer(
                structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
            ),
            structlog.processors.JSONRenderer(serializer=_to_json),
        ]
    else:
        plain = structlog.dev.plain_traceback
        colors = sys.stderr.isatty()
        shared.append(structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=plain))
    structlog.configure(
        processors=shared,
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    logging.basicConfig(level=logging.WARNING, handlers=[_Bridge()], force=True)


class _Bridge(logging.Handler):
    """What libraries log, as one line of ours."""

    def emit(self, record: logging.LogRecord) -> None:
        logger = structlog.get_logger(record.name)
        text = record.getMessage()[:500]
        logger.log(record.levelno, "library_log", logger=record.name, text=text)


def _to_json(value: Any, **_: Any) -> str:
    return orjson.dumps(value, default=str).decode()
