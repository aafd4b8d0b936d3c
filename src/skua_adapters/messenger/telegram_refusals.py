"""What Telegram's words mean when it says no: whose fault it is, and who can't be reached.

The phrases are those of tdlib/telegram-bot-api 10.0, and TDLib's and Telegram's own constants where
that server passes them through. They are compared in lower case.
"""

from skua_core.domain.subscriber import Reach
from skua_core.ports.messenger import Blame

_REACH_BY_PHRASE: tuple[tuple[str, Reach], ...] = (
    ("bot was blocked by the user", Reach.BLOCKED),
    ("user_is_blocked", Reach.BLOCKED),
    ("user is deactivated", Reach.DEACTIVATED),
    ("input_user_deactivated", Reach.DEACTIVATED),
    ("bot was kicked from", Reach.BLOCKED),
    ("bot is not a member of", Reach.BLOCKED),
    ("group chat was deleted", Reach.BLOCKED),
    ("channel_private", Reach.BLOCKED),
    # A bad import: never pressed Start, or is a bot.
    ("can't initiate conversation", Reach.INVALID),
    ("can't send messages to bots", Reach.INVALID),
    ("user_is_bot", Reach.INVALID),
    ("chat not found", Reach.INVALID),
    ("user not found", Reach.INVALID),
    ("chat_id is empty", Reach.INVALID),
    ("chat_id_invalid", Reach.INVALID),
    ("peer_id_invalid", Reach.INVALID),
)

# Listed by precedence: what one chat doesn't allow is nobody else's fault, whatever else the words
# mention; a caption is content, though its constant begins like a medium's.
_PHRASES_BY_BLAME: tuple[tuple[Blame, tuple[str, ...]], ...] = (
    (
        Blame.OTHER,
        (
            "not enough rights",
            "chat_send_",
            "chat_write_",
            "voice_messages_forbidden",
            "restricted receiving",
            "message effects in the chat",
        ),
    ),
    (
        Blame.PAYMENT,
        (
            "balance_too_low",
            "not enough stars",
            "not enough telegram stars",
            "stars_balance",
            "paid broadcast",
            "paid_broadcast",
            "paid_floodskip",
        ),
    ),
    (
        Blame.CONTENT,
        (
            "can't parse",
            "unsupported parse_mode",
            "message is too long",
            "text is too long",
            "caption is too long",
            "caption_too_long",
            "message text is empty",
            "text must be non-empty",
            "must be encoded in utf-8",
            "message_empty",
            "message_too_long",
            "entity_",
            "entity begins",
            "entity url",
            "an entity with incorrect",
            "entities_too_long",
            "custom emoji identifier",
            "button_",
            "keyboard button",
            "inline keyboard",
            "reply markup",
            "reply_markup",
            "link preview options",
            "effect_id_invalid",
            "message to copy not found",
            "message can't be copied",
            "message_id_invalid",
            "messages to send",
            "be mixed with other media types",
            "show_caption_above_media must",
            "in the album",
            "media_grouped_invalid",
        ),
    ),
    (
        Blame.MEDIUM,
        (
            "wrong file identifier",
            "wrong remote file",
            "remote file identifier",
            "can't use file of type",
            "wrong type of the web page content",
            "wrong http url",
            "invalid file http url",
            "external_url_invalid",
            "wc_convert_url_invalid",
            "failed to get http url content",
            "can't upload file by url",
            "file must be non-empty",
            "is too big for a photo",
            "file is too big",
            "there is no ",
            "webpage_",
            "media_",
            "photo_",
            "image_process_failed",
            "video_",
            "audio_",
            "document_",
            "file_part",
            "file_reference_",
            "file_id_invalid",
        ),
    ),
)


def reach_of(words: str) -> Reach | None:
    """Whom Telegram says it doesn't deliver to; None when it says nothing of the kind."""
    for phrase, reach in _REACH_BY_PHRASE:
        if phrase in words:
            return reach
    return None


def blame_for(words: str) -> Blame:
    for blame, phrases in _PHRASES_BY_BLAME:
        if any(phrase in words for phrase in phrases):
            return blame
    return Blame.OTHER
