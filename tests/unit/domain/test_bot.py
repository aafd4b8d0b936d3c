"""Slugs, names and gates."""

import re
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skua_core.domain.bot import (
    Bot,
    GateReason,
    TokenState,
    check_name,
    is_public_id,
    is_slug,
    make_public_id,
    make_slug,
)
from skua_core.errors import BotReadOnly, NameInvalid, SlugInvalid, TokenMissing
from skua_core.ids import BotId, UserId

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def a_bot(token_state: TokenState, *, read_only: bool = False) -> Bot:
    return Bot(
        id=BotId(UUID(int=1)),
        slug="gulls-22222",
        public_id="public",
        name="Gulls",
        owner_id=UserId(UUID(int=2)),
        token_state=token_state,
        read_only=read_only,
        created_at=NOON,
        updated_at=NOON,
    )


@given(st.from_regex(r"[a-z0-9][a-z0-9-]{0,38}[a-z0-9]", fullmatch=True))
def test_a_slug_is_the_wish_and_five_characters_that_nobody_foresees(wish: str) -> None:
    slug = make_slug(wish)

    assert re.fullmatch(re.escape(wish) + r"-[a-km-np-z2-9]{5}", slug)
    assert is_slug(slug)


def test_the_five_characters_differ() -> None:
    assert len({make_slug("gulls") for _ in range(100)}) > 90


@given(st.text())
def test_any_other_wish_is_refused(wish: str) -> None:
    try:
        slug = make_slug(wish)
    except SlugInvalid:
        return
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]*[a-z0-9]", slug)


def test_a_public_id_is_long_and_goes_into_a_url() -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", make_public_id())
    assert make_public_id() != make_public_id()
    assert is_public_id(make_public_id())


@pytest.mark.parametrize("text", ["", "\0", "gulls\0", "Gulls", "gülls", "g" * 65, "a/b", "a\n"])
def test_what_no_bot_can_be_called_is_not_looked_up(text: str) -> None:
    assert not is_slug(text)
    assert not is_public_id(text)


def test_a_name_loses_the_space_around_it() -> None:
    assert check_name("bot", "  Gulls & Terns 🐦 ") == "Gulls & Terns 🐦"


@pytest.mark.parametrize("name", ["", " ", "\t", "a\nb", "a\x00b", "a\u2028b", "x" * 101])
def test_a_name_that_cannot_be_shown_is_refused(name: str) -> None:
    with pytest.raises(NameInvalid, match="A bot name"):
        check_name("bot", name)


@pytest.mark.promise("P21")
@pytest.mark.parametrize(
    ("token_state", "gate"),
    [
        (TokenState.ACTIVE, None),
        (TokenState.MISSING, GateReason.NO_TOKEN),
        (TokenState.REVOKED, GateReason.TOKEN_REVOKED),
        (TokenState.UNREADABLE, GateReason.TOKEN_UNREADABLE),
    ],
)
def test_each_gate_alone_is_enough(token_state: TokenState, gate: GateReason | None) -> None:
    assert a_bot(token_state).closed_gate() is gate
    assert a_bot(token_state, read_only=True).closed_gate() is GateReason.READ_ONLY


def test_what_needs_open_gates_says_which_one_is_shut() -> None:
    a_bot(TokenState.ACTIVE).require_open_gates()

    with pytest.raises(TokenMissing, match="it is revoked"):
        a_bot(TokenState.REVOKED).require_open_gates()
    with pytest.raises(BotReadOnly):
        a_bot(TokenState.REVOKED, read_only=True).require_open_gates()
