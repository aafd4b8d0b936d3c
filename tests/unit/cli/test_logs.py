"""Log lines: for people or programs, and never with a token."""

import json
import logging
import sys
import warnings
from collections.abc import Iterator

import pytest

from skua_app.logs import TokenlessHandler, set_up_logs
from skua_app.settings import LogFormat, load
from tests.unit.use_cases.world import TOKEN


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    level, hook = root.level, sys.excepthook
    yield
    for handler in [each for each in root.handlers if isinstance(each, TokenlessHandler)]:
        root.removeHandler(handler)
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    sys.excepthook = hook


both_formats = pytest.mark.parametrize("log_format", list(LogFormat))


def log_everywhere() -> None:
    """In the text, an argument, an exception, its cause, a warning, and past every handler."""
    address = f"https://api.telegram.org/bot{TOKEN.reveal()}/sendMessage"
    log = logging.getLogger("somewhere")
    log.info("GET %s", address)
    log.info(f"GET {address}")  # noqa: G004 - as others write it
    try:
        fail(address)
    except RuntimeError as error:
        log.exception("It failed", extra={"address": address})
        sys.excepthook(RuntimeError, error, error.__traceback__)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(address, UserWarning, stacklevel=1)


def fail(address: str) -> None:
    try:
        int(address)
    except ValueError as error:
        raise RuntimeError("failed") from error


@both_formats
def test_no_token_is_logged(log_format: LogFormat, capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs(log_format)

    log_everywhere()

    lines = capsys.readouterr().err
    assert TOKEN.reveal() not in lines
    assert lines.count("<bot-token>") >= 5
    assert "RuntimeError" in lines


@both_formats
def test_a_line_that_cannot_be_made_is_told_without_its_arguments(
    log_format: LogFormat, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up_logs(log_format)
    (handler,) = [
        each for each in logging.getLogger().handlers if isinstance(each, TokenlessHandler)
    ]

    # Handed to Skua's handler alone: pytest's own would fail the test for it.
    handler.handle(
        logging.LogRecord("somewhere", logging.INFO, "", 1, "%d", (TOKEN.reveal(),), None)
    )

    told = capsys.readouterr().err
    assert told == "A log line of somewhere could not be written: TypeError\n"


def test_a_program_reads_one_object_per_line(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs(LogFormat.JSON)

    log_everywhere()

    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert {"event", "level", "logger", "timestamp"} <= lines[0].keys()
    assert [line["level"] for line in lines[:4]] == ["info", "info", "error", "critical"]


@both_formats
def test_libraries_that_log_whole_addresses_are_silenced(
    log_format: LogFormat, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up_logs(log_format)

    for name in ("httpx", "httpcore.http11"):
        logging.getLogger(name).info("HTTP Request: GET https://api.telegram.org/…")

    assert capsys.readouterr().err == ""


def test_settings_show_neither_key_nor_password() -> None:
    settings = load(
        {
            "WEB_SECRET_KEY": "gulls over the grey harbour",
            "SKUA_DATABASE_URL": "postgresql://skua_app:puffin@127.0.0.1/skua",
        }
    )

    assert "gulls" not in repr(settings)
    assert "puffin" not in repr([settings])
