"""How a sealed token is stored, and what is inside: the token, and whose it is."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode

import msgspec

from skua_core.domain.secret import BotToken, SealedSecret, SecretPurpose
from skua_core.errors import SecretUnreadable, TokenMalformed
from skua_core.ids import BotId

_STORED = re.compile(r"v1\.([A-Za-z0-9_-]{1,16})\.([A-Za-z0-9_-]+={0,2})", re.ASCII)


def wrap(key_id: str, ciphertext: bytes) -> SealedSecret:
    return SealedSecret(f"v1.{key_id}.{urlsafe_b64encode(ciphertext).decode()}")


def unwrap(bot_id: BotId, sealed: SealedSecret) -> tuple[str, bytes]:
    """Key id and ciphertext. Raises SecretUnreadable for every spelling but the one of ``wrap``."""
    stored = _STORED.fullmatch(sealed.value)
    if stored is not None:
        try:
            ciphertext = urlsafe_b64decode(stored[2])
        except ValueError:
            ciphertext = b""
        # Bits that base64 leaves unused would give one secret many spellings.
        if wrap(stored[1], ciphertext) == sealed:
            return stored[1], ciphertext
    raise SecretUnreadable(bot_id, "it isn't in the form in which secrets are stored")


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
