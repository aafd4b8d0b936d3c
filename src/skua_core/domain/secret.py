"""Secrets: clear ones that can't be shown by accident, and sealed ones that may be stored."""

import re
from enum import StrEnum
from typing import Never

import msgspec

from skua_core.errors import TokenMalformed
from skua_core.ids import TelegramId

_TOKEN = re.compile(r"[0-9]{6,12}:[A-Za-z0-9_-]{30,64}", re.ASCII)


class Secret:
    """A secret in the clear. It has no text form, so no log, error or encoder can show it."""

    __slots__ = ("__weakref__", "_value")

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return f"{type(self).__name__}(***)"

    def __str__(self) -> Never:
        raise TypeError(f"a {type(self).__name__} has no text form; reveal() it where it is used")

    def __format__(self, spec: str) -> Never:
        raise TypeError(f"a {type(self).__name__} has no text form; reveal() it where it is used")

    def __reduce__(self) -> Never:
        raise TypeError(f"a {type(self).__name__} can't be pickled or copied")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self._value == other._value

    def __hash__(self) -> int:
        return hash((type(self), self._value))


class BotToken(Secret):
    """A bot's token. Its shape is checked here, before it gets near a URL."""

    __slots__ = ()

    def __init__(self, value: str) -> None:
        # Without this check a token such as "123:x/../bot9:y" would reach another bot's address.
        if _TOKEN.fullmatch(value) is None:
            raise TokenMalformed
        super().__init__(value)

    @property
    def telegram_id(self) -> TelegramId:
        return TelegramId(int(self._value.partition(":")[0]))


class WebhookSecret(Secret):
    """What Telegram sends along (``X-Telegram-Bot-Api-Secret-Token``) when it calls a webhook."""

    __slots__ = ()


class SecretPurpose(StrEnum):
    BOT_TOKEN = "bot-token"  # noqa: S105 - the name of a purpose


class SealedSecret(msgspec.Struct, frozen=True):
    """An encrypted secret as it is stored: ``v1.<key id>.<ciphertext>``. Opens for one bot only."""

    value: str

    @property
    def key_id(self) -> str:
        return self.value.split(".", 2)[1]
