"""Reply markups: which keyboards Telegram takes, and how they come back in a message."""

from typing import Any

from .links import LinkRefused, check_link, linked_user_id
from .refusals import bad_request

_LONGEST_CALLBACK_DATA = 64
"""Bytes."""
_LONGEST_COPIED_TEXT = 256
_MOST_BUTTONS = 100
_MOST_BUTTONS_IN_A_ROW = 8
"""Both undocumented; python-telegram-bot's ``constants`` names them. Held strictly here."""
_STYLES = ("", "default", "primary", "danger", "success")
_KINDS = (
    "url",
    "callback_data",
    "callback_game",
    "pay",
    "switch_inline_query",
    "switch_inline_query_chosen_chat",
    "switch_inline_query_current_chat",
    "login_url",
    "web_app",
    "copy_text",
)
_KINDS_THAT_MAY_NOT_BE_EMPTY = frozenset({"url", "callback_data"})
_LOOKS = ("style", "icon_custom_emoji_id")


def read_reply_markup(raw: object) -> dict[str, Any] | None:
    """The inline keyboard as its message shows it, None for every other markup.

    Raises ``Refusal`` for what can't be read at all; ``check_inline_keyboard`` does the rest.
    """
    if raw is None:
        return None
    if not isinstance(raw, dict):
        raise bad_request("object expected as reply markup")
    _rows(raw, "keyboard", 'field "keyboard" must be an Array of Arrays')
    rows = _rows(
        raw,
        "inline_keyboard",
        'field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays',
    )
    if not rows or raw.get("keyboard"):
        return None
    return {"inline_keyboard": [[_read_button(button) for button in row] for row in rows if row]}


def check_inline_keyboard(markup: dict[str, Any]) -> None:
    """Raises ``Refusal`` for a button that Telegram wouldn't send."""
    rows = markup["inline_keyboard"]
    if any(len(row) > _MOST_BUTTONS_IN_A_ROW for row in rows):
        raise bad_request("reply markup is too long")
    if sum(len(row) for row in rows) > _MOST_BUTTONS:
        raise bad_request("reply markup is too long")
    for row in rows:
        for button in row:
            _check_button(button)


def callback_buttons(markup: dict[str, Any] | None) -> list[str]:
    """The callback data of each button that has some, in reading order."""
    rows = markup["inline_keyboard"] if markup else []
    return [button["callback_data"] for row in rows for button in row if "callback_data" in button]


def _rows(markup: dict[str, Any], name: str, refusal: str) -> list[list[Any]]:
    rows = markup.get(name)
    if rows is None:
        return []
    if not isinstance(rows, list):
        raise bad_request(f'field "{name}" must be of type Array')
    if not all(isinstance(row, list) for row in rows):
        raise bad_request(refusal)
    return rows


def _read_button(button: object) -> dict[str, Any]:
    if not isinstance(button, dict):
        raise _unreadable("InlineKeyboardButton must be an Object")
    text = button.get("text")
    if text is None:
        raise _unreadable('Can\'t find field "text"')
    if not isinstance(text, str):
        raise _unreadable('Field "text" must be of type String')
    if str(button.get("style") or "").lower() not in _STYLES:
        raise _unreadable("invalid button style specified")
    read = {"text": text} | {look: button[look] for look in _LOOKS if button.get(look)}
    for kind in _KINDS:
        value = button.get(kind)
        if value is None or (kind in _KINDS_THAT_MAY_NOT_BE_EMPTY and not value):
            continue
        if kind in _KINDS_THAT_MAY_NOT_BE_EMPTY and not isinstance(value, str):
            raise _unreadable(f'Field "{kind}" must be of type String')
        return read | {kind: _read_copy_text(value) if kind == "copy_text" else value}
    raise _unreadable("Text buttons are unallowed in the inline keyboard")


def _read_copy_text(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise _unreadable('Field "copy_text" must be of type Object')
    text = value.get("text")
    if text is None:
        raise _unreadable('Can\'t find field "text"')
    if not isinstance(text, str):
        raise _unreadable('Field "text" must be of type String')
    return {"text": text}


def _unreadable(reason: str) -> Exception:
    return bad_request(f"can't parse inline keyboard button: {reason}")


def _check_button(button: dict[str, Any]) -> None:
    if not button["text"]:
        raise bad_request("inline keyboard button text must be non-empty")
    if "url" in button and linked_user_id(button["url"]) is None:
        try:
            button["url"] = check_link(button["url"])
        except LinkRefused as problem:
            raise bad_request(
                f"inline keyboard button URL '{button['url']}' is invalid: {problem}"
            ) from problem
    data = button.get("callback_data", "")
    if len(data.encode("utf-8", "surrogatepass")) > _LONGEST_CALLBACK_DATA:
        raise bad_request("BUTTON_DATA_INVALID")
    copied = button.get("copy_text")
    if copied is not None and not 1 <= len(copied["text"]) <= _LONGEST_COPIED_TEXT:
        raise bad_request("BUTTON_COPY_TEXT_INVALID")
