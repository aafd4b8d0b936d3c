"""Port: seal and unseal secrets, bound to one bot and one purpose."""

from abc import abstractmethod
from typing import Protocol

from skua_core.domain.secret import BotToken, SealedSecret, WebhookSecret
from skua_core.ids import BotId


class TokenVault(Protocol):
    """Turns secrets into what may be stored, and back.

    A sealed secret opens only for the bot and the purpose it was sealed for: a swapped row is
    unreadable. May be shared between tasks and threads. Nothing in the clear is kept after a call.
    """

    @abstractmethod
    def seal_token(self, bot_id: BotId, token: BotToken) -> SealedSecret:
        """Seal with the primary key. Twice the same token gives two different values."""

    @abstractmethod
    def unseal_token(self, bot_id: BotId, sealed: SealedSecret) -> BotToken:
        """Raises SecretUnreadable, whatever is wrong with the value."""

    @abstractmethod
    def fingerprint(self, bot_id: BotId, secret: WebhookSecret) -> bytes:
        """A keyed digest (32 bytes) by which a secret is recognised without being stored."""

    @abstractmethod
    def recognise(self, bot_id: BotId, secret: WebhookSecret, fingerprint: bytes) -> bool:
        """Whether ``fingerprint`` was made of this secret, by any key of the ring.

        Takes the same time whatever the answer.
        """

    @abstractmethod
    def url_tag(self, bot_id: BotId, secret: WebhookSecret) -> str:
        """The part of the webhook's address that only Telegram is told: 22 base64url characters."""

    @abstractmethod
    def recognise_tag(self, bot_id: BotId, secret: WebhookSecret, tag: bytes) -> bool:
        """Whether ``tag`` is the one of this secret, by any key of the ring, in constant time."""
