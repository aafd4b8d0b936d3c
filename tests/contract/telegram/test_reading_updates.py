"""What Skua reads out of Telegram's updates. The samples are built from aiogram's types."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from aiogram import types
from hypothesis import given
from hypothesis import strategies as st

from skua_adapters.bot_api.updates import read_update
from skua_core.domain.subscriber import ChatKind, Profile
from skua_core.domain.update import (
    Blocked,
    CallbackPressed,
    ChatMigrated,
    Event,
    Ignored,
    MessageReceived,
    RepliedMessage,
    Started,
    Stopped,
    Unblocked,
    Update,
)
from skua_core.errors import UpdateUnreadable
from skua_core.ids import ChatId

AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
PERSON = types.User(
    id=1000,
    is_bot=False,
    first_name="Ana",
    last_name="Silva",
    username="ana",
    language_code="pt",
    is_premium=True,
)
BOT = types.User(id=42, is_bot=True, first_name="Skua", username="skua_bot")
PRIVATE = types.Chat(id=1000, type="private", first_name="Ana", last_name="Silva", username="ana")
GROUP = types.Chat(id=-77, type="group", title="Bird watchers")
SUPERGROUP = types.Chat(id=-1_001_000, type="supergroup", title="Skuas", username="skuas")
CHANNEL = types.Chat(id=-1_002_000, type="channel", title="News")
ANA = Profile(first_name="Ana", last_name="Silva", username="ana", language="pt")


def raw(**update: Any) -> bytes:
    sample = types.Update(update_id=5, **update)
    return sample.model_dump_json(exclude_none=True, by_alias=True).encode()


def message(text: str | None = None, *, chat: types.Chat = PRIVATE, **more: Any) -> types.Message:
    return types.Message(message_id=9, date=AT, chat=chat, from_user=PERSON, text=text, **more)


def event_of(text: str, *, chat: types.Chat = PRIVATE) -> Event:
    return read_update(raw(message=message(text, chat=chat))).event


def test_a_message_tells_who_wrote_what_and_when() -> None:
    assert read_update(raw(message=message("Hello"))) == Update(
        update_id=5,
        event=MessageReceived("Hello"),
        chat_id=ChatId(1000),
        kind=ChatKind.PRIVATE,
        profile=ANA,
        at=AT,
    )


@pytest.mark.parametrize("chat", [GROUP, SUPERGROUP])
def test_a_message_in_a_group_tells_about_the_group(chat: types.Chat) -> None:
    update = read_update(raw(message=message("Hello", chat=chat)))

    assert (update.chat_id, update.kind) == (chat.id, ChatKind.GROUP)
    assert update.profile == Profile(first_name=chat.title, username=chat.username)


def test_a_message_without_text_is_received_all_the_same() -> None:
    photo = types.PhotoSize(file_id="f", file_unique_id="u", width=1, height=1)

    update = read_update(raw(message=message(photo=[photo], caption="Look")))

    assert update.event == MessageReceived(None)


@pytest.mark.parametrize(
    ("text", "payload"),
    [
        ("/start", None),
        ("/start ", None),
        ("/start spring_2026-A", "spring_2026-A"),
        ("/start@skua_bot", None),
        ("/start@skua_bot spring", "spring"),
        ("/start  spring ", "spring"),
        ("/start\nspring", "spring"),
        ("/start " + "a" * 64, "a" * 64),
        ("/start " + "a" * 65, None),
        ("/start hello world", None),
        ("/start schön", None),
        ("/start \x00", None),
    ],
)
def test_start_carries_the_payload_of_a_deep_link(text: str, payload: str | None) -> None:
    assert event_of(text) == Started(payload)


@pytest.mark.parametrize("text", ["/stop", "/stop@skua_bot", "/stop please"])
def test_stop_is_understood(text: str) -> None:
    assert event_of(text) == Stopped()


@pytest.mark.parametrize(
    "text",
    ["start", " /start", "/START", "/starting", "/start@", "/start@ b", "/stopp", "/help", "/"],
)
def test_what_only_looks_like_a_command_is_a_message(text: str) -> None:
    assert event_of(text) == MessageReceived(text)


def member_update(chat: types.Chat, status: types.ChatMemberUnion) -> bytes:
    return raw(
        my_chat_member=types.ChatMemberUpdated(
            chat=chat,
            from_user=PERSON,
            date=AT,
            old_chat_member=types.ChatMemberMember(user=BOT),
            new_chat_member=status,
        )
    )


MEMBER = types.ChatMemberMember(user=BOT)
KICKED = types.ChatMemberBanned(user=BOT, until_date=AT)
LEFT = types.ChatMemberLeft(user=BOT)
OWNER = types.ChatMemberOwner(user=BOT, is_anonymous=False)


def no_rights(member: type[types.TelegramObject]) -> dict[str, Any]:
    return {name: False for name in member.model_fields if name.startswith(("can_", "is_"))}


ADMINISTRATOR = types.ChatMemberAdministrator(user=BOT, **no_rights(types.ChatMemberAdministrator))


def restricted(*, is_member: bool) -> types.ChatMemberRestricted:
    rights = no_rights(types.ChatMemberRestricted) | {"is_member": is_member}
    return types.ChatMemberRestricted(user=BOT, until_date=AT, **rights)


@pytest.mark.parametrize(
    ("chat", "status", "event"),
    [
        (PRIVATE, KICKED, Blocked()),
        (PRIVATE, MEMBER, Unblocked()),
        (GROUP, LEFT, Blocked()),
        (GROUP, KICKED, Blocked()),
        (GROUP, MEMBER, Unblocked()),
        (SUPERGROUP, LEFT, Blocked()),
        (SUPERGROUP, KICKED, Blocked()),
        (SUPERGROUP, ADMINISTRATOR, Unblocked()),
        (SUPERGROUP, OWNER, Unblocked()),
        (SUPERGROUP, restricted(is_member=True), Unblocked()),
        (SUPERGROUP, restricted(is_member=False), Blocked()),
    ],
)
def test_a_changed_membership_blocks_or_unblocks(
    chat: types.Chat, status: types.ChatMemberUnion, event: Event
) -> None:
    update = read_update(member_update(chat, status))

    assert (update.event, update.chat_id, update.at) == (event, chat.id, AT)


def test_a_reply_tells_which_message_of_the_bots_it_is_about() -> None:
    keyboard = types.InlineKeyboardMarkup(
        inline_keyboard=[
            [types.InlineKeyboardButton(text="Yes", callback_data="yes")],
            [types.InlineKeyboardButton(text="See", url="https://example.org")],
        ]
    )
    own = types.Message(
        message_id=8, date=AT, chat=PRIVATE, from_user=BOT, text="Coming?", reply_markup=keyboard
    )
    photo = types.Message(message_id=7, date=AT, chat=PRIVATE, from_user=BOT, caption="Look")

    to_text = read_update(raw(message=message("Sure", reply_to_message=own))).event
    to_photo = read_update(raw(message=message("Nice", reply_to_message=photo))).event

    assert to_text == MessageReceived(
        "Sure", RepliedMessage(message_id=8, sent_at=AT, text="Coming?", callback_data=("yes",))
    )
    assert to_photo == MessageReceived(
        "Nice", RepliedMessage(message_id=7, sent_at=AT, text="Look")
    )


def test_a_block_tells_who_blocked() -> None:
    assert read_update(member_update(PRIVATE, KICKED)).profile == ANA


def pressed(**more: Any) -> bytes:
    query = types.CallbackQuery(id="77", from_user=PERSON, chat_instance="1", **more)
    return raw(callback_query=query)


def test_a_pressed_button_tells_its_data_and_chat_and_no_time() -> None:
    update = read_update(pressed(message=message("Choose"), data="yes"))

    assert update == Update(
        update_id=5,
        event=CallbackPressed("77", "yes", 9),
        chat_id=ChatId(1000),
        profile=ANA,
        at=None,
    )


def test_a_button_under_an_inaccessible_message_still_tells_its_chat() -> None:
    old = types.InaccessibleMessage(chat=GROUP, message_id=3, date=0)

    update = read_update(pressed(message=old, data="yes"))

    assert (update.event, update.chat_id) == (CallbackPressed("77", "yes", 3), GROUP.id)


def test_a_button_without_data_is_pressed_all_the_same() -> None:
    update = read_update(pressed(message=message(), game_short_name="chess"))

    assert update.event == CallbackPressed("77", None, 9)


def test_a_button_of_inline_mode_concerns_no_chat() -> None:
    update = read_update(pressed(inline_message_id="i", data="yes"))

    assert update == Update(update_id=5, event=Ignored())


def test_a_migrated_group_says_its_new_id() -> None:
    old = message(chat=GROUP, migrate_to_chat_id=-1_001_000)

    update = read_update(raw(message=old))

    assert (update.event, update.chat_id) == (ChatMigrated(ChatId(-1_001_000)), GROUP.id)


IGNORED = {
    "the new side of a migration": raw(message=message(chat=SUPERGROUP, migrate_from_chat_id=-77)),
    "an edited message": raw(edited_message=message("Hello!")),
    "a channel post": raw(channel_post=message("News", chat=CHANNEL)),
    "a message in a channel": raw(message=message("News", chat=CHANNEL)),
    "a membership in a channel": member_update(CHANNEL, ADMINISTRATOR),
    "a poll answer": raw(
        poll_answer=types.PollAnswer(
            poll_id="1", option_ids=[0], option_persistent_ids=["a"], user=PERSON
        )
    ),
    "an inline query": raw(
        inline_query=types.InlineQuery(id="1", from_user=PERSON, query="q", offset="")
    ),
    "an update kind of the future": b'{"update_id":5,"telepathy":{"thought":"hello"}}',
    "an update of no kind": b'{"update_id":5}',
    "a chat type of the future": b'{"update_id":5,"message":{"message_id":1,"date":1,"text":"a",'
    b'"chat":{"id":1,"type":"hive"}}}',
}


@pytest.mark.parametrize("sample", IGNORED.values(), ids=IGNORED)
def test_what_skua_does_not_act_on_is_ignored(sample: bytes) -> None:
    assert read_update(sample) == Update(update_id=5, event=Ignored())


def private(text: str = '"hi"', name: str = '"Ana"', chat_id: str = "1", date: str = "1") -> bytes:
    return (
        f'{{"update_id":5,"message":{{"message_id":1,"date":{date},"text":{text},'
        f'"from":{{"id":1,"is_bot":false,"first_name":{name}}},'
        f'"chat":{{"id":{chat_id},"type":"private"}}}}}}'
    ).encode()


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('"A\\u0000na"', "Ana"),
        ('"A\\ud800na"', "Ana"),
        ('"\\udc00A\\ud800na\\udfff"', "Ana"),
        ('"\\ud83d\\ude00"', "\U0001f600"),
        ('"\\u0000"', None),
        ('"\\ud800"', None),
        ('""', None),
    ],
)
def test_names_are_cleaned_of_what_no_database_takes(written: str, read: str | None) -> None:
    assert read_update(private(name=written)).profile.first_name == read


def test_texts_and_data_are_cleaned_too() -> None:
    pressing = b'{"update_id":5,"callback_query":{"id":"7","data":"a\\u0000\\ud800b","message":{'
    pressing += b'"chat":{"id":1,"type":"private"}}}}'

    assert read_update(private(text='"a\\u0000\\ud800b"')).event == MessageReceived("ab")
    assert read_update(pressing).event == CallbackPressed("7", "ab")


def test_a_message_without_a_sender_has_no_profile() -> None:
    update = read_update(b'{"update_id":5,"message":{"date":1,"chat":{"id":1,"type":"private"}}}')

    assert update.profile == Profile()


@pytest.mark.parametrize(
    ("sample", "update_id"),
    [
        (b"", None),
        (b"hello", None),
        (b"null", None),
        (b"[]", None),
        (b"{}", None),
        (b"\xff\xfe\x00", None),
        (b"\x80", None),
        (b"[" * 200_000, None),
        (b"1" * 10_000, None),
        (b'{"update_id":"5"}', None),
        (b'{"update_id":-5}', None),
        (b'{"update_id":18446744073709551616}', None),
        (b'{"update_id":5', None),
        (b'{"update_id":5,"message":7}', 5),
        (b'{"update_id":5,"message":{}}', 5),
        (b'{"update_id":5,"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}", None),
        (private(text="7"), 5),
        (private(name="7"), 5),
        (private(name="NaN"), 5),
        (private(name='"\\ud800", "username": 7'), 5),
        (private(chat_id="4503599627370497"), 5),
        (private(chat_id='"@ana"'), 5),
        (private(date="-1"), 5),
        (private(date="999999999999999"), 5),
        (private(text='"' + "a" * 2_000_000 + '"'), 5),
    ],
)
def test_what_can_not_be_read_is_refused_with_its_id_if_it_has_one(
    sample: bytes, update_id: int | None
) -> None:
    with pytest.raises(UpdateUnreadable) as refusal:
        read_update(sample)

    assert refusal.value.update_id == update_id
    assert refusal.value.__cause__ is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
TEXT = st.text(st.characters(codec=None)) | JSON
ID = st.integers(min_value=-(2**53), max_value=2**53) | JSON
CHAT = st.fixed_dictionaries(
    {"id": ID, "type": st.sampled_from(["private", "group", "supergroup", "channel"]) | JSON},
    optional={"title": TEXT, "username": TEXT},
)
USER = st.fixed_dictionaries(
    {"id": ID}, optional={"first_name": TEXT, "last_name": TEXT, "language_code": TEXT}
)
DATE = st.integers(min_value=0, max_value=2**40) | JSON
MESSAGE = st.fixed_dictionaries(
    {"date": DATE, "chat": CHAT}, optional={"from": USER, "text": TEXT, "migrate_to_chat_id": ID}
)
UPDATE = st.fixed_dictionaries(
    {"update_id": st.integers(min_value=0) | JSON},
    optional={
        "message": MESSAGE | JSON,
        "my_chat_member": st.fixed_dictionaries(
            {"date": DATE, "chat": CHAT, "new_chat_member": st.fixed_dictionaries({"status": TEXT})}
        )
        | JSON,
        "callback_query": st.fixed_dictionaries(
            {"id": TEXT}, optional={"from": USER, "message": MESSAGE, "data": TEXT}
        )
        | JSON,
    },
)


@given(st.binary() | (UPDATE | JSON).map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_an_update_or_refused(sample: bytes) -> None:
    try:
        update = read_update(sample)
    except UpdateUnreadable as refusal:
        str(refusal).encode()
        return
    assert update.chat_id is not None or update.event == Ignored()
    assert not {"\x00", *map(chr, range(0xD800, 0xE000))}.intersection(repr_of_texts(update))


def repr_of_texts(update: Update) -> str:
    profile = update.profile
    texts = [profile.first_name, profile.last_name, profile.username, profile.language]
    if isinstance(update.event, MessageReceived):
        texts.append(update.event.text)
    if isinstance(update.event, CallbackPressed):
        texts += [update.event.callback_id, update.event.data]
    return "".join(filter(None, texts))
