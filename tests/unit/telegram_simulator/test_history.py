"""Which messages can still be copied and replied to."""

from skua_adapters.telegram_simulator.history import Message, MessageHistory, without_reply

BOT, CHAT = 42, 1000


def _message(message_id: int, chat_id: int = CHAT) -> Message:
    return {"message_id": message_id, "chat": {"id": chat_id}}


def test_the_least_used_message_is_forgotten_first() -> None:
    history = MessageHistory(2)
    history.keep(BOT, _message(1))
    history.keep(BOT, _message(2))
    assert history.find(BOT, CHAT, 1)

    history.keep(BOT, _message(3))

    kept = [history.find(BOT, CHAT, message_id) is not None for message_id in (1, 2, 3)]
    assert kept == [True, False, True]


def test_a_chat_shows_its_own_messages_in_order() -> None:
    history = MessageHistory(10)
    for bot_id, message in (
        (BOT, _message(2)),
        (BOT, _message(1)),
        (BOT, _message(3, chat_id=1001)),
        (43, _message(4)),
    ):
        history.keep(bot_id, message)

    assert [message["message_id"] for message in history.of_chat(BOT, CHAT)] == [1, 2]


def test_a_reply_shows_no_reply_of_its_own() -> None:
    reply = _message(2) | {"reply_to_message": _message(1)}

    assert without_reply(reply) == _message(2)
    assert "reply_to_message" in reply
