"""What each answer of Telegram's means for a management call."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skua_adapters.bot_api.telegram_answers import Refusal, read_answer
from skua_core.errors import TelegramUnavailable, TokenRefused


def envelope(description: str, **parameters: object) -> bytes:
    return json.dumps({"ok": False, "description": description, "parameters": parameters}).encode()


def test_an_accepted_call_gives_its_result() -> None:
    assert read_answer(200, b'{"ok":true,"result":[1,2]}', list[int]) == [1, 2]


def test_a_refused_call_gives_telegram_s_words() -> None:
    answer = read_answer(409, envelope("Conflict: can't use getUpdates"), bool)

    assert answer == Refusal(409, "Conflict: can't use getUpdates")


@pytest.mark.parametrize("status", [401, 404])
def test_an_unknown_token_is_refused(status: int) -> None:
    with pytest.raises(TokenRefused):
        read_answer(status, envelope("Unauthorized"), bool)


@pytest.mark.parametrize(
    ("parameters", "seconds"),
    [
        ({"retry_after": 7}, 7),
        ({}, None),
        ({"retry_after": 0}, None),
        ({"retry_after": 1e200}, 366 * 86_400),
    ],
)
def test_too_many_calls_are_no_fault_of_the_token(
    parameters: dict[str, object], seconds: float | None
) -> None:
    with pytest.raises(TelegramUnavailable) as refusal:
        read_answer(429, envelope("Too Many Requests", **parameters), bool)

    assert refusal.value.retry_after == seconds


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, envelope("Internal Server Error")),
        (502, b""),
        (301, b""),
        (302, b'{"ok":true,"result":true}'),
        (200, b""),
        (200, b"<html>"),
        (200, b'{"ok":false,"result":true}'),
        (200, b'{"ok":false,"description":"Unauthorized"}'),
        (200, b'{"ok":true}'),
        (200, b'{"ok":true,"result":"yes"}'),
        (200, b'{"ok":true,"result":tr'),
        (200, b"[" * 100_000),
        (200, b"\xff"),
        (401, b"<html>"),
        (404, b"not found"),
        (401, b'{"ok":true,"result":true}'),
    ],
)
def test_what_is_not_telegram_s_answer_leaves_everything_open(status: int, body: bytes) -> None:
    with pytest.raises(TelegramUnavailable):
        read_answer(status, body, bool)


@given(
    status=st.sampled_from([200, 400, 401, 404, 409, 429, 500]) | st.integers(),
    body=st.binary() | st.sampled_from([b'{"ok":true,"result":true}', envelope("Bad Request")]),
)
def test_every_answer_is_a_result_a_refusal_or_a_known_error(status: int, body: bytes) -> None:
    with contextlib.suppress(TokenRefused, TelegramUnavailable):
        assert isinstance(read_answer(status, body, bool), bool | Refusal)
