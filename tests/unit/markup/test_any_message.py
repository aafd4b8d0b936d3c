"""What holds for any message that anybody may hand in, parts, buttons, wordings and all."""

from typing import Any
from uuid import UUID

import msgspec
from hypothesis import event, given, settings
from hypothesis import strategies as st

from skua_adapters.renderer.in_process import InProcessRenderer
from skua_adapters.telegram_simulator.keyboards import check_inline_keyboard, read_reply_markup
from skua_core.domain.callbacks import bind
from skua_core.domain.content import (
    CompiledMessage,
    CopyText,
    InlineButton,
    LinkPreview,
    MessageSource,
    ParseMode,
    Personalisation,
    RenderedMessage,
    SendOptions,
    utf16_length,
)
from skua_core.domain.media import CopiedMessage, MediaKind, Medium
from skua_core.errors import SkuaError
from skua_core.ids import ChatId, MediaId, SourceId

SOURCE_ID = SourceId(UUID("01a20957-7942-74c9-b7cb-46fb4b81a36c"))
TELEGRAMS_OWN = {"text", "url", "callback_data", "copy_text"}

_WORDS = st.sampled_from(
    [
        *("Hi", "😀", "<b>{{ first_name }}</b>", "{{ last_name | default('') }}", " ", "\u200b"),
        *("\ud83d", "\x00", "x" * 201, "x" * 1025, "{{", "vip", "s.", "\n", "é" * 33),
    ]
)
_TEXTS = st.lists(_WORDS, max_size=3).map("".join)
_ADDRESSES = _TEXTS | st.sampled_from(
    ["https://a.b/c", "http://a.b", "tg://user?id=1", "https://10.0.0.1/", "https://[::1", "\udce9"]
)


def _maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


_PLAIN_BUTTONS = st.builds(InlineButton, st.just("Go"), url=st.just("https://a.b")) | st.builds(
    InlineButton, st.just("Go"), answer=st.just("Thanks"), alert=st.booleans()
)
_BUTTONS = _PLAIN_BUTTONS | st.builds(
    InlineButton,
    _TEXTS,
    url=_maybe(_ADDRESSES),
    callback_data=_maybe(_TEXTS),
    copy_text=_maybe(_TEXTS.map(CopyText)),
    answer=_maybe(_TEXTS),
    alert=st.booleans(),
    tag=_maybe(_TEXTS),
)
_ROWS = st.lists(st.lists(_BUTTONS, max_size=2).map(tuple), max_size=2).map(tuple)
_PHOTO = Medium(MediaKind.PHOTO, file_id="AgAC")
_KINDS = st.sampled_from(MediaKind)
_MEDIA = st.builds(Medium, _KINDS, upload=st.just(MediaId(UUID(int=1)))) | st.builds(
    Medium, _KINDS, file_id=_maybe(_TEXTS), url=_maybe(_ADDRESSES), spoiler=st.booleans()
)
_OPTIONS = st.builds(
    SendOptions,
    protect=st.booleans(),
    link_preview=_maybe(st.builds(LinkPreview, url=_maybe(_ADDRESSES))),
    effect_id=_maybe(_TEXTS | st.just("5104841245755180586")),
    caption_above=st.booleans(),
)
_COPIES = st.builds(CopiedMessage, st.integers(-(2**53), 2**53).map(ChatId), st.integers(-1, 2**31))


def _messages(variants: st.SearchStrategy[Any]) -> st.SearchStrategy[MessageSource]:
    return st.builds(
        MessageSource,
        text=_TEXTS,
        parse_mode=st.sampled_from(ParseMode),
        buttons=st.just(()) | _ROWS,
        media=st.just(()) | st.just((_PHOTO,)) | st.lists(_MEDIA, max_size=3).map(tuple),
        copied=st.none() | st.none() | st.none() | _COPIES,
        options=st.just(SendOptions()) | st.just(SendOptions(silent=True)) | _OPTIONS,
        variants=variants,
    )


_TAGS = st.sampled_from(["pt", "PT", "pt-br", "zh-hant", "", "\ud83d", "x" * 36])
MESSAGES = _messages(st.just({}) | st.dictionaries(_TAGS, _messages(st.just({})), max_size=2))


@settings(max_examples=200)
@given(MESSAGES, _TEXTS, st.sampled_from(["", "pt", "pt-BR", "zh-Hant"]))
def test_any_message_is_sendable_and_storable_or_refused_with_a_reason(
    source: MessageSource, name: str, language: str
) -> None:
    renderer = InProcessRenderer()
    try:
        compiled = renderer.compile(source)
    except SkuaError as refusal:
        event(refusal.code)
        return

    stored = msgspec.json.decode(msgspec.json.encode(source), type=MessageSource)
    assert stored == source
    again = msgspec.json.decode(msgspec.json.encode(compiled), type=CompiledMessage)
    assert again == compiled == renderer.compile(stored)
    try:
        message = renderer.render(
            bind(again, SOURCE_ID), Personalisation(name, name, language=language)
        )
    except SkuaError as refusal:
        event(f"rendering: {refusal.code}")
        return
    event("sendable")
    assert_telegram_would_take(message)


def assert_telegram_would_take(message: RenderedMessage) -> None:
    assert utf16_length(message.text) <= (1024 if message.media or message.copied else 4096)
    assert message.text or message.media or message.copied
    body = msgspec.json.decode(msgspec.json.encode(message))
    buttons = [button for row in body.get("buttons", []) for button in row]
    assert all(button.keys() <= TELEGRAMS_OWN for button in buttons)
    if buttons:
        keyboard = read_reply_markup({"inline_keyboard": body["buttons"]})
        assert keyboard is not None
        check_inline_keyboard(keyboard)
