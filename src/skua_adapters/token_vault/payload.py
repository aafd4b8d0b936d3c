"""What is inside a sealed token: the token, and whose it is."""

import msgspec

from skua_core.domain.secret import BotToken, SecretPurpose
from skua_core.errors import TokenMalformed
from skua_core.ids import BotId


class _Payload(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    p: str
    """The purpose."""
    b: str
    """The bot's id."""
    t: str
    """Telegram's id of the bot."""
    s: str
    """The secret."""

    def __repr__(self) -> str:
        return "_Payload(***)"


def pack_token(bot_id: BotId, token: BotToken) -> bytes:
    payload = _Payload(
        p=SecretPurpose.BOT_TOKEN, b=str(bot_id), t=str(token.telegram_id), s=token.reveal()
    )
    return msgspec.json.encode(payload)


def unpack_token(bot_id: BotId, packed: bytes) -> BotToken | None:
    """The token; None unless every part is as it was packed for this bot.

    Raises nothing, so that no traceback holds the clear bytes.
    """
    try:
        payload = msgspec.json.decode(packed, type=_Payload)
        token = BotToken(payload.s)
    except (msgspec.DecodeError, UnicodeDecodeError, TokenMalformed):
        return None
    bound = (payload.p, payload.b, payload.t)
    if bound != (SecretPurpose.BOT_TOKEN, str(bot_id), str(token.telegram_id)):
        return None
    return token
