"""Log lines, for a person or for a program; no bot token gets into any."""

import contextlib
import logging
import sys
from types import TracebackType
from typing import Any, TextIO

import structlog

from skua_app.redaction import without_tokens
from skua_app.settings import LogFormat

_QUIET = ("httpx", "httpcore", "asyncio", "alembic", "aiohttp.access", "uvicorn.error")
"""At INFO the first two log whole addresses, and an address of the Bot API holds the token."""

_SILENT = ("dramatiq",)
"""While Redis is away it says so every three seconds; the job queue itself says it once."""

_FACTS = ("method", "route", "status", "ms", "request_id")
"""What records may bring along; whatever else a library adds to its own stays out."""

_log = logging.getLogger(__name__)


def set_up_logs(log_format: LogFormat, level: int = logging.INFO) -> None:
    """Send the whole process's log to standard error. May be called again."""
    handler = TokenlessHandler(sys.stderr)
    handler.setFormatter(_formatter(log_format))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    for name in _SILENT:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_uncaught


class TokenlessHandler(logging.StreamHandler[TextIO]):
    """To a stream; what can't be written is told without the record, which logging would print."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own
        kind = sys.exc_info()[0]
        what = "an error" if kind is None else kind.__name__
        with contextlib.suppress(OSError, ValueError):
            self.stream.write(f"A log line of {record.name} could not be written: {what}\n")


class _TokenlessFormatter(structlog.stdlib.ProcessorFormatter):
    """Works on the finished line: it holds the traceback and every argument too."""

    def format(self, record: logging.LogRecord) -> str:
        return without_tokens(super().format(record))


def _formatter(log_format: LogFormat) -> logging.Formatter:
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(allow=_FACTS),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if log_format is LogFormat.JSON:
        last: list[Any] = [
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
    else:
        last = [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            )
        ]
    return _TokenlessFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
    )


def _log_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        _log.critical("The program ended by an error", exc_info=(kind, error, trace))
