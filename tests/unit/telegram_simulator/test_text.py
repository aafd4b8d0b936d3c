"""What remains of a text, and which ones are refused."""

from typing import Any

import pytest

from skua_adapters.telegram_simulator.entities import Entity
from skua_adapters.telegram_simulator.refusals import Refusal
from skua_adapters.telegram_simulator.text import FormattedText, finish_text, read_text

_FROM_0 = "entity beginning at UTF-16 offset 0"
_NO_END_TAG = "can't parse entities: Can't find end tag corresponding to start tag \"b\""
_UNREADABLE = "can't parse MessageEntity: "


def _finish(text: str, mode: str = "", entities: object = None) -> FormattedText:
    return finish_text(read_text(text, mode, entities))


def _bold(offset: int, length: int) -> dict[str, Any]:
    return {"type": "bold", "offset": offset, "length": length}


def test_text_is_trimmed_and_its_entities_move_along() -> None:
    finished = _finish("  \n a b \n", entities=[_bold(4, 5)])

    assert finished == FormattedText("a b", [Entity(type="bold", offset=0, length=3)])


def test_spaces_at_the_start_of_an_entity_stay() -> None:
    assert _finish("<b> x</b>", "HTML").text == " x"


def test_control_characters_go_and_entities_move_along() -> None:
    finished = _finish("a\r\tb\u202ec", entities=[_bold(5, 1)])

    assert finished == FormattedText("a bc", [Entity(type="bold", offset=3, length=1)])


def test_of_a_run_of_direction_marks_the_last_remains() -> None:
    assert _finish("a\u200e\u200f\u200eb").text == "a\u200c\u200c\u200eb"


def test_a_link_to_a_user_is_a_mention() -> None:
    link = {"type": "text_link", "offset": 0, "length": 1, "url": "tg://user?id=7"}

    (entity,) = _finish("x", entities=[link]).entities

    assert (entity.type, entity.user) == ("text_mention", {"id": 7})


def test_length_is_counted_in_utf16_units_after_parsing() -> None:
    assert len(_finish("<b>" + "🐦" * 2048 + "</b>", "html").text) == 2048
    with pytest.raises(Refusal, match="message is too long"):
        _finish("🐦" * 2048 + "x")


def test_the_same_entity_inside_code_is_dropped() -> None:
    finished = _finish("<code><b>x</b>y</code>", "HTML")

    assert [entity.type for entity in finished.entities] == ["code"]


def test_entities_come_in_order_and_no_more_than_a_hundred() -> None:
    finished = _finish("x" * 200, entities=[_bold(place, 1) for place in reversed(range(200))])

    assert [entity.offset for entity in finished.entities] == list(range(100))


def test_entities_that_telegram_finds_itself_are_ignored() -> None:
    url = {"type": "url", "offset": 0, "length": 3}

    assert _finish("a.b", entities=[url]).entities == []


@pytest.mark.parametrize(
    ("text", "mode", "entities", "words"),
    [
        ("", "", None, "message text is empty"),
        (" \n\t", "", None, "text must be non-empty"),
        ("<b></b>", "HTML", None, "text must be non-empty"),
        ("\u200b\u2800\u00a0", "", None, "text must be non-empty"),
        (
            "x",
            "",
            [{"type": "text_link", "offset": 0, "length": 1, "url": "nowhere"}],
            "entity URL 'nowhere' is invalid: Wrong HTTP URL",
        ),
        (
            "x",
            "",
            [{"type": "custom_emoji", "offset": 0, "length": 1, "custom_emoji_id": "0"}],
            "invalid custom emoji identifier specified",
        ),
        (
            "x",
            "",
            [
                {
                    "type": "date_time",
                    "offset": 0,
                    "length": 1,
                    "unix_time": 5,
                    "date_time_format": "x",
                }
            ],
            f"{_UNREADABLE}Invalid date-time format specified",
        ),
        ("x" * 4097, "", None, "message is too long"),
        ("x" * 32_769, "", None, "text is too long"),
        ("x", "Org", None, "unsupported parse_mode"),
        ("<b>", "HTML", None, _NO_END_TAG),
        ("x", "", [_bold(0, 2)], f"{_FROM_0} ends after the end of the text at UTF-16 offset 2"),
        ("x", "", [_bold(2, 1)], "entity begins after the end of the text at UTF-16 offset 2"),
        ("🐦x", "", [_bold(1, 1)], "entity begins in a middle of a UTF-16 symbol at byte offset 4"),
        (
            "🐦x",
            "",
            [_bold(0, 1)],
            f"{_FROM_0} ends in a middle of a UTF-16 symbol at byte offset 4",
        ),
        ("x", "", [_bold(-1, 1)], "receive an entity with incorrect offset -1"),
        ("x", "", [{"type": "bold", "offset": 0}], f'{_UNREADABLE}Can\'t find field "length"'),
        (
            "x",
            "",
            [{"type": "shout", "offset": 0, "length": 1}],
            f"{_UNREADABLE}Unsupported type specified",
        ),
        ("x", "", ["bold"], f"{_UNREADABLE}expected an Object"),
    ],
)
def test_refused_in_telegrams_words(text: str, mode: str, entities: object, words: str) -> None:
    with pytest.raises(Refusal) as caught:
        _finish(text, mode, entities)

    assert caught.value.error_code == 400
    assert caught.value.description == f"Bad Request: {words}"
