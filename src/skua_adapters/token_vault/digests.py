"""Keyed digests of webhook secrets, alike for every vault."""

import hashlib
import hmac
from abc import abstractmethod
from base64 import urlsafe_b64encode
from collections.abc import Sequence

from skua_core.domain.secret import WebhookSecret
from skua_core.ids import BotId
from skua_core.ports.token_vault import TokenVault

_TAG_LENGTH = 22
"""132 of the digest's bits."""


class DigestingVault(TokenVault):
    """The half of a vault that recognises webhook secrets without storing them."""

    @abstractmethod
    def _subkeys(self, info: str) -> Sequence[bytes]:
        """One key per key of the ring for this use and no other, the primary's first."""

    def fingerprint(self, bot_id: BotId, secret: WebhookSecret) -> bytes:
        return self._fingerprints(bot_id, secret)[0]

    def recognise(self, bot_id: BotId, secret: WebhookSecret, fingerprint: bytes) -> bool:
        return _is_one_of(fingerprint, self._fingerprints(bot_id, secret))

    def url_tag(self, bot_id: BotId, secret: WebhookSecret) -> str:
        return self._tags(bot_id, secret)[0].decode()

    def recognise_tag(self, bot_id: BotId, secret: WebhookSecret, tag: bytes) -> bool:
        return _is_one_of(tag, self._tags(bot_id, secret))

    def _fingerprints(self, bot_id: BotId, secret: WebhookSecret) -> list[bytes]:
        return self._digests(f"skua/v1/webhook/fingerprint/{bot_id}", secret)

    def _tags(self, bot_id: BotId, secret: WebhookSecret) -> list[bytes]:
        digests = self._digests(f"skua/v1/webhook/url-tag/{bot_id}", secret)
        return [urlsafe_b64encode(digest)[:_TAG_LENGTH] for digest in digests]

    def _digests(self, info: str, secret: WebhookSecret) -> list[bytes]:
        # What claims to be a secret comes from outside and may hold lone surrogates.
        message = secret.reveal().encode(errors="surrogatepass")
        return [hmac.digest(key, message, hashlib.sha256) for key in self._subkeys(info)]


def _is_one_of(candidate: bytes, known: Sequence[bytes]) -> bool:
    # A list, not a generator: each is compared, so that the time tells nothing.
    return any([hmac.compare_digest(candidate, one) for one in known])  # noqa: C419 - see above
