"""Inline buttons: their limits, and what of them leaves."""

from uuid import UUID

import pytest

from skua_core.domain.callbacks import ACTION_MARK, callback_data
from skua_core.domain.content import (
    ButtonAction,
    CopyText,
    InlineButton,
    MessageSource,
    ParseMode,
)
from skua_core.domain.markup.buttons import check_buttons
from skua_core.domain.markup.common_subset import understand_common_subset
from skua_core.domain.markup.compiling import compile_message
from skua_core.domain.markup.errors import ButtonInvalid
from skua_core.ids import SourceId

SOURCE_ID = SourceId(UUID("01a20957-7942-74c9-b7cb-46fb4b81a36c"))
FINE = InlineButton("x", callback_data="x")


def test_buttons_leave_as_they_are() -> None:
    rows = (
        (InlineButton("Site", url="https://a.b"), InlineButton("Yes", callback_data="yes")),
        (InlineButton("No", callback_data="n" * 64),),
        (InlineButton("Code", copy_text=CopyText("GULL-7 😀")),),
    )
    source = MessageSource("x", ParseMode.PLAIN, rows)

    assert compile_message(source, understand_common_subset).skeleton.buttons == rows


def test_what_skua_does_is_kept_apart_from_what_telegram_sees() -> None:
    keyboard = check_buttons(
        (
            (InlineButton("Thanks", answer=" Thank you! "), FINE),
            (
                InlineButton("In", answer="You're in.", alert=True, tag=" vip "),
                InlineButton("Tag", tag="t" * 64),
            ),
        ),
        first_number=7,
    )

    assert keyboard.rows == (
        (InlineButton("Thanks", callback_data=f"{ACTION_MARK}7"), FINE),
        (
            InlineButton("In", callback_data=f"{ACTION_MARK}8"),
            InlineButton("Tag", callback_data=f"{ACTION_MARK}9"),
        ),
    )
    assert keyboard.actions == (
        ButtonAction(answer="Thank you!"),
        ButtonAction(answer="You're in.", alert=True, tag="vip"),
        ButtonAction(tag="t" * 64),
    )


@pytest.mark.parametrize(
    ("button", "problem"),
    [
        (InlineButton(" ", callback_data="x"), "it has no text"),
        (InlineButton("x"), "exactly one thing"),
        (InlineButton("x", url="https://a.b", callback_data="x"), "exactly one thing"),
        (InlineButton("x", url="https://a.b", tag="vip"), "exactly one thing"),
        (InlineButton("x", callback_data="x", answer="Thanks"), "exactly one thing"),
        (InlineButton("x", copy_text=CopyText("a"), answer="Thanks"), "exactly one thing"),
        (InlineButton("x", alert=True), "exactly one thing"),
        (InlineButton("x", tag="vip", alert=True), "an alert needs an answer"),
        (InlineButton("x", callback_data=""), "has 0 bytes"),
        (InlineButton("x", callback_data="é" * 33), "has 66 bytes"),
        (InlineButton("x", callback_data="\ud800"), "half a character"),
        (InlineButton("x", callback_data=f"{ACTION_MARK}0"), "looks like Skua's own"),
        (InlineButton("x", callback_data=callback_data(SOURCE_ID, 3)), "looks like Skua's own"),
        (InlineButton("x", url="a.b"), "address can't be used"),
        (InlineButton("x", url=""), "address can't be used"),
        (InlineButton("{{ first_name }}", callback_data="x"), "a placeholder can't stand"),
        (InlineButton("x", copy_text=CopyText("{{ username }}")), "a placeholder can't stand"),
        (InlineButton("x", answer="Hi {{ first_name }}"), "a placeholder can't stand"),
        (InlineButton("x\ud800", callback_data="x"), "half a character"),
        (InlineButton("x", answer="\udce9"), "half a character"),
        (InlineButton("x", copy_text=CopyText("")), "copies has 0 characters"),
        (InlineButton("x", copy_text=CopyText("😀" * 129)), "copies has 258 characters"),
        (InlineButton("x", answer=" "), "answer has 0 characters"),
        (InlineButton("x", answer="a" * 201), "answer has 201 characters"),
        (InlineButton("x", answer="😀" * 101), "answer has 202 characters"),
        (InlineButton("x", tag=" "), r"A tag has 1 to 64 characters, none .* character\)"),
        (InlineButton("x", tag="a\nb"), "A tag has 1 to 64"),
        (InlineButton("x", tag="t" * 65, answer="Thanks"), "A tag has 1 to 64"),
    ],
)
def test_a_button_that_could_not_work_is_named(button: InlineButton, problem: str) -> None:
    with pytest.raises(ButtonInvalid, match=problem) as caught:
        check_buttons(((FINE,), (FINE, button)))

    assert (caught.value.row, caught.value.position) == (2, 2)


def test_the_longest_button_of_each_kind_is_taken() -> None:
    row = (
        InlineButton("x", callback_data="n" * 64),
        InlineButton("x", copy_text=CopyText("😀" * 128)),
        InlineButton("x", answer="😀" * 100, tag="t" * 64),
    )

    assert len(check_buttons((row,)).rows[0]) == 3


def test_rows_and_keyboards_have_an_end() -> None:
    keyboard = check_buttons(((FINE,) * 8,) * 12 + ((), (FINE,) * 4))

    assert [len(row) for row in keyboard.rows] == [8] * 12 + [4]
    with pytest.raises(ButtonInvalid, match="a row takes 8"):
        check_buttons(((FINE,) * 9,))
    with pytest.raises(ButtonInvalid, match="a message takes 100"):
        check_buttons(((FINE,) * 8,) * 13)
