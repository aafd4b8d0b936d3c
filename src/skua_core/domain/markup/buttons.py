"""The limits of inline buttons, and what of them Telegram gets to see."""

from typing import NamedTuple

from skua_core.domain.callbacks import ACTION_MARK, read_callback_data
from skua_core.domain.content import ButtonAction, ButtonRows, InlineButton, utf16_length
from skua_core.domain.markup.cleaning import LONE_SURROGATE, clean, is_blank
from skua_core.domain.markup.errors import ButtonInvalid
from skua_core.domain.markup.links import problem_with_link
from skua_core.domain.subscriber import clean_tag
from skua_core.errors import TagInvalid

CALLBACK_DATA_BYTES = 64
COPY_TEXT_LIMIT = 256
ANSWER_LIMIT = 200
"""Characters that answerCallbackQuery takes; counted in UTF-16 units, as the stricter reading."""

# Telegram documents neither number; beyond them it answers that the markup is too long.
BUTTONS_PER_ROW = 8
BUTTONS_PER_MESSAGE = 100


class Keyboard(NamedTuple):
    rows: ButtonRows
    """As they will arrive, with nothing in them but Telegram's own fields."""
    actions: tuple[ButtonAction, ...]


def check_buttons(rows: ButtonRows, *, first_number: int = 0) -> Keyboard:
    """Part what arrives from what Skua does; the first action gets this number.

    Raises ButtonInvalid.
    """
    checked = []
    actions: list[ButtonAction] = []
    count = 0
    for row_number, row in enumerate(rows, start=1):
        buttons = []
        for position, button in enumerate(row, start=1):
            count += 1
            problem = _problem(button)
            if position > BUTTONS_PER_ROW:
                problem = f"a row takes {BUTTONS_PER_ROW} buttons"
            if count > BUTTONS_PER_MESSAGE:
                problem = f"a message takes {BUTTONS_PER_MESSAGE} buttons"
            if problem:
                raise ButtonInvalid(row_number, position, problem)
            data = button.callback_data
            if _acts(button):
                data = f"{ACTION_MARK}{first_number + len(actions)}"
                actions.append(_action(button))
            buttons.append(InlineButton(clean(button.text), button.url, data, button.copy_text))
        if buttons:
            checked.append(tuple(buttons))
    return Keyboard(tuple(checked), tuple(actions))


def _acts(button: InlineButton) -> bool:
    return button.answer is not None or button.tag is not None


def _action(button: InlineButton) -> ButtonAction:
    return ButtonAction(
        answer=None if button.answer is None else clean(button.answer).strip(),
        alert=button.alert,
        tag=None if button.tag is None else clean_tag(button.tag),
    )


def _problem(button: InlineButton) -> str | None:
    if is_blank(clean(button.text)):
        return "it has no text"
    given = (button.text, button.copy_text and button.copy_text.text, button.answer, button.tag)
    for text in given:
        if text and "{{" in text:
            return "a placeholder can't stand in its text; it would show as it is"
        if text and LONE_SURROGATE.search(text):
            return "it holds half a character (a lone surrogate)"
    does = [button.url, button.callback_data, button.copy_text, _acts(button) or None]
    if len(does) - does.count(None) != 1:
        return (
            "it does exactly one thing: open an address (url), send callback data, copy a text, "
            "or give an answer, a tag or both"
        )
    return (
        _problem_with_address(button.url)
        or _problem_with_callback_data(button.callback_data)
        or _problem_with_copy_text(button)
        or _problem_with_action(button)
    )


def _problem_with_address(url: str | None) -> str | None:
    problem = None if url is None else problem_with_link(url)
    return f"its address can't be used: {problem}" if problem else None


def _problem_with_callback_data(data: str | None) -> str | None:
    if data is None:
        return None
    try:
        size = len(data.encode())
    except UnicodeEncodeError:
        return "its callback data holds half a character (a lone surrogate)"
    if not 1 <= size <= CALLBACK_DATA_BYTES:
        return f"its callback data has {size} bytes, and 1 to {CALLBACK_DATA_BYTES} are allowed"
    if data.startswith(ACTION_MARK) or read_callback_data(data) is not None:
        return "its callback data looks like Skua's own; choose another"
    return None


def _problem_with_copy_text(button: InlineButton) -> str | None:
    if button.copy_text is None:
        return None
    length = utf16_length(button.copy_text.text)
    if is_blank(button.copy_text.text) or length > COPY_TEXT_LIMIT:
        return f"what it copies has {length} characters, and 1 to {COPY_TEXT_LIMIT} are allowed"
    return None


def _problem_with_action(button: InlineButton) -> str | None:
    if button.alert and button.answer is None:
        return "an alert needs an answer to show"
    if button.answer is not None:
        length = utf16_length(clean(button.answer).strip())
        if is_blank(clean(button.answer)) or length > ANSWER_LIMIT:
            return f"its answer has {length} characters, and 1 to {ANSWER_LIMIT} are allowed"
    if button.tag is not None:
        try:
            clean_tag(button.tag)
        except TagInvalid as error:
            return f"its tag can't be given ({str(error).rstrip('.')})"
    return None
