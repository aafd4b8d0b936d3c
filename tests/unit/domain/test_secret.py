"""Secrets have no text form, and a token has the shape of one."""

import copy
import json
import logging
import pickle
from collections.abc import Callable
from string import Template

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skua_core.domain.secret import BotToken, SealedSecret, Secret, WebhookSecret
from skua_core.errors import TokenMalformed

CANARY = "CANARYcanaryCANARYcanaryCANARYcanary"
TOKEN = BotToken(f"123456789:{CANARY}")
SECRETS = [TOKEN, WebhookSecret(CANARY), Secret(CANARY)]

each_secret = pytest.mark.parametrize("secret", SECRETS, ids=lambda one: type(one).__name__)


class Holder(msgspec.Struct):
    secret: Secret


@each_secret
def test_a_repr_names_the_kind_alone(secret: Secret) -> None:
    assert repr(secret) == f"{type(secret).__name__}(***)"
    assert CANARY not in repr({"a": [secret]})
    assert CANARY not in repr(Holder(secret))
    assert CANARY not in f"{secret!r}"


@pytest.mark.parametrize(
    "show",
    [
        str,
        "{}".format,
        lambda secret: f"{secret}",
        "{!s:>9}".format,
        lambda secret: Template("$s").substitute(s=secret),
        lambda secret: "".join(iter([secret])),
        json.dumps,
        lambda secret: json.dumps(secret, default=vars),
        lambda secret: json.dumps(secret, default=str),
        msgspec.json.encode,
        msgspec.to_builtins,
        lambda secret: msgspec.json.encode(Holder(secret)),
        pickle.dumps,
        copy.copy,
        copy.deepcopy,
        vars,
        bytes,
        list,
    ],
)
@each_secret
def test_nothing_turns_a_secret_into_text(secret: Secret, show: Callable[[Secret], str]) -> None:
    with pytest.raises(TypeError) as caught:
        show(secret)

    assert CANARY not in str(caught.value)


@each_secret
def test_a_log_line_names_the_kind_alone(secret: Secret, caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger(__name__).error("the secret is %r", secret)

    assert f"{type(secret).__name__}(***)" in caplog.text
    assert CANARY not in caplog.text


def test_secrets_are_equal_by_kind_and_value() -> None:
    assert WebhookSecret("a") == WebhookSecret("a")
    assert len({WebhookSecret("a"), WebhookSecret("a"), Secret("a"), WebhookSecret("b")}) == 3
    assert WebhookSecret("a") != Secret("a")
    assert WebhookSecret("a") != "a"


@given(st.integers(100_000, 10**12 - 1), st.from_regex(r"[A-Za-z0-9_-]{30,64}", fullmatch=True))
def test_a_token_begins_with_the_bots_id(telegram_id: int, rest: str) -> None:
    token = BotToken(f"{telegram_id}:{rest}")

    assert token.telegram_id == telegram_id
    assert token.reveal() == f"{telegram_id}:{rest}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "123456789",
        f"12345:{CANARY}",
        f"1234567890123:{CANARY}",
        "123456789:short",
        f"123456789:{CANARY}{CANARY}",
        f"123456789:{CANARY[:20]}/../../bot987654321:{CANARY[:10]}",
        f"123456789:{CANARY}?x",
        f"123456789:{CANARY}#x",
        f"123456789:%2f{CANARY}",
        f"123456789:{CANARY}\n",
        f" 123456789:{CANARY}",
        f"\uff11\uff12\uff13456789:{CANARY}",
        f"bot123456789:{CANARY}",
        "1" * 1_000_000,
    ],
)
def test_what_is_no_token_gets_near_no_url(text: str) -> None:
    with pytest.raises(TokenMalformed) as caught:
        BotToken(text)

    assert CANARY[:10] not in str(caught.value)


@given(st.text())
def test_no_text_but_a_token_is_taken(text: str) -> None:
    with pytest.raises(TokenMalformed):
        BotToken(text)


def test_a_sealed_secret_names_its_key() -> None:
    assert SealedSecret("v1.k2.abc").key_id == "k2"
