"""The limits of inline buttons."""

from skua_core.domain.content import ButtonRows, InlineButton
from skua_core.domain.markup.cleaning import clean, is_blank
from skua_core.domain.markup.errors import ButtonInvalid
from skua_core.domain.markup.links import problem_with_link

CALLBACK_DATA_BYTES = 64
# Telegram documents neither number; beyond them it answers that the markup is too long.
BUTTONS_PER_ROW = 8
BUTTONS_PER_MESSAGE = 100


def check_buttons(rows: ButtonRows) -> ButtonRows:
    """Return the rows as they will arrive. Raises ButtonInvalid."""
    checked = []
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
            buttons.append(InlineButton(clean(button.text), button.url, button.callback_data))
        if buttons:
            checked.append(tuple(buttons))
    return tuple(checked)


def _problem(button: InlineButton) -> str | None:
    if is_blank(clean(button.text)):
        return "it has no text"
    if "{{" in button.text:
        return "a placeholder can't stand in its text; it would show as it is"
    if (button.url is None) == (button.callback_data is None):
        return "it needs either an address (url) or callback data, not both"
    if button.url is None:
        return _problem_with_callback_data(button.callback_data or "")
    problem = problem_with_link(button.url)
    return f"its address can't be used: {problem}" if problem else None


def _problem_with_callback_data(data: str) -> str | None:
    try:
        size = len(data.encode())
    except UnicodeEncodeError:
        return "its callback data holds half a character (a lone surrogate)"
    if not 1 <= size <= CALLBACK_DATA_BYTES:
        return f"its callback data has {size} bytes, and 1 to {CALLBACK_DATA_BYTES} are allowed"
    return None
