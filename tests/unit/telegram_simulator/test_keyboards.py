"""Which inline keyboards are taken."""

from typing import Any

import pytest

from skua_adapters.telegram_simulator.keyboards import (
    callback_buttons,
    check_inline_keyboard,
    read_reply_markup,
)
from skua_adapters.telegram_simulator.refusals import Refusal

_UNREADABLE = "can't parse inline keyboard button: "


def _keyboard(*buttons: object) -> dict[str, Any]:
    return {"inline_keyboard": [list(buttons)]}


def _checked(markup: object) -> dict[str, Any] | None:
    read = read_reply_markup(markup)
    if read is not None:
        check_inline_keyboard(read)
    return read


def test_inline_keyboard_comes_back_with_urls_as_telegram_stores_them() -> None:
    markup = _checked(
        _keyboard(
            {"text": "Go", "url": "skua.example", "unknown": 1},
            {"text": "Yes", "callback_data": "é" * 32, "style": "success"},
            {"text": "Copy", "copy_text": {"text": "é" * 256}},
        )
    )

    assert markup == _keyboard(
        {"text": "Go", "url": "http://skua.example/"},
        {"text": "Yes", "callback_data": "é" * 32, "style": "success"},
        {"text": "Copy", "copy_text": {"text": "é" * 256}},
    )
    assert callback_buttons(markup) == ["é" * 32]


@pytest.mark.parametrize(
    "markup",
    [None, {}, {"remove_keyboard": True}, {"keyboard": [["a"]]}, {"force_reply": True}],
)
def test_other_markups_do_not_show_in_the_message(markup: object) -> None:
    assert _checked(markup) is None


@pytest.mark.parametrize(
    ("markup", "words"),
    [
        ("x", "object expected as reply markup"),
        ({"inline_keyboard": 1}, 'field "inline_keyboard" must be of type Array'),
        (
            {"inline_keyboard": [1]},
            'field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays',
        ),
        (_keyboard("x"), f"{_UNREADABLE}InlineKeyboardButton must be an Object"),
        (_keyboard({"url": "x.y"}), f'{_UNREADABLE}Can\'t find field "text"'),
        (
            _keyboard({"text": "x"}),
            f"{_UNREADABLE}Text buttons are unallowed in the inline keyboard",
        ),
        (
            _keyboard({"text": "x", "callback_data": ""}),
            f"{_UNREADABLE}Text buttons are unallowed in the inline keyboard",
        ),
        (
            _keyboard({"text": "x", "callback_data": "y", "style": "loud"}),
            f"{_UNREADABLE}invalid button style specified",
        ),
        (
            _keyboard({"text": "", "callback_data": "y"}),
            "inline keyboard button text must be non-empty",
        ),
        (_keyboard({"text": "x", "callback_data": "é" * 33}), "BUTTON_DATA_INVALID"),
        (_keyboard({"text": "x", "copy_text": {"text": ""}}), "BUTTON_COPY_TEXT_INVALID"),
        (_keyboard({"text": "x", "copy_text": {"text": "é" * 257}}), "BUTTON_COPY_TEXT_INVALID"),
        (
            _keyboard({"text": "x", "copy_text": "y"}),
            f'{_UNREADABLE}Field "copy_text" must be of type Object',
        ),
        (_keyboard({"text": "x", "copy_text": {}}), f'{_UNREADABLE}Can\'t find field "text"'),
        (
            _keyboard({"text": "x", "copy_text": {"text": 1}}),
            f'{_UNREADABLE}Field "text" must be of type String',
        ),
        (
            _keyboard({"text": "x", "url": "nowhere"}),
            "inline keyboard button URL 'nowhere' is invalid: Wrong HTTP URL",
        ),
        (
            _keyboard({"text": "x", "url": "ftp://a.b"}),
            "inline keyboard button URL 'ftp://a.b' is invalid: Unsupported URL protocol",
        ),
        (_keyboard(*[{"text": "x", "callback_data": "y"}] * 9), "reply markup is too long"),
        (
            {"inline_keyboard": [[{"text": "x", "callback_data": "y"}]] * 101},
            "reply markup is too long",
        ),
    ],
)
def test_refused_in_telegrams_words(markup: object, words: str) -> None:
    with pytest.raises(Refusal) as caught:
        _checked(markup)

    assert caught.value.description == f"Bad Request: {words}"
