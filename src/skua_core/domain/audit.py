"""The audit log: who did what to which resource, from where, in a chain that shows tampering.

hash_0 = SHA256("skua-audit-v1|" || chain)
hash_n = SHA256("skua-audit-v1" || hash_{n-1} || int64be(n) || lp(chain) || lp(at) || lp(actor)
                || lp(action) || lp(resource) || lp(ip) || lp(user_agent) || lp(details))

where lp(x) is int32be(length) and the UTF-8 bytes of x, and ffffffff for a missing x.
"""

import hashlib
import struct
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import msgspec

from skua_core.domain.user import Actor
from skua_core.errors import AuditChainBroken

_LABEL = b"skua-audit-v1"
_MISSING = b"\xff\xff\xff\xff"
_SAFE_INTEGER = 2**53

Detail = str | int | bool | None
Details = Mapping[str, "Detail | list[str] | Mapping[str, Detail]"]


class NewAuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What a use case says it did. ``details`` never hold a secret or a subscriber's data."""

    actor: Actor
    action: str
    """``<noun>.<past participle>``, such as ``broadcast.paused``."""
    resource: str
    """``<noun>:<id>``."""
    details: Details = {}

    def encoded_details(self) -> str:
        """Canonical JSON (RFC 8785 for this subset): sorted keys, integers any reader keeps."""
        return msgspec.json.encode(_canonical(self.details), order="sorted").decode()


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One link of a chain, as stored; ``at`` and ``details`` as the text that was hashed."""

    chain: str
    """A bot's id, a user's, or ``platform``."""
    seq: int
    at: str
    actor: str
    action: str
    resource: str
    ip: str | None
    user_agent: str | None
    details: str
    hash: bytes

    def expected_hash(self, previous: bytes) -> bytes:
        parts = (
            self.chain,
            self.at,
            self.actor,
            self.action,
            self.resource,
            self.ip,
            self.user_agent,
            self.details,
        )
        digest = hashlib.sha256(_LABEL + previous + struct.pack(">q", self.seq))
        for part in parts:
            digest.update(_length_prefixed(part))
        return digest.digest()


class AuditHead(msgspec.Struct, frozen=True, kw_only=True):
    """The newest link of a chain: what the next one will be tied to."""

    chain: str
    seq: int
    hash: bytes


def first_hash(chain: str) -> bytes:
    return hashlib.sha256(_LABEL + b"|" + chain.encode()).digest()


class ChainCheck:
    """Follows a chain link by link, so that a long one needn't be held in memory."""

    def __init__(self, chain: str) -> None:
        self._chain = chain
        self._previous = first_hash(chain)
        self._seq = 0

    def follow(self, entry: AuditEntry) -> None:
        """Raises AuditChainBroken when this isn't the next link, or isn't whole."""
        chain, due = self._chain, self._seq + 1
        if entry.chain != chain or entry.seq != due:
            raise AuditChainBroken(chain, due, f"found entry {entry.seq} of {entry.chain}")
        if entry.expected_hash(self._previous) != entry.hash:
            raise AuditChainBroken(chain, entry.seq, "its hash doesn't fit its contents")
        self._previous, self._seq = entry.hash, entry.seq

    def end(self, head: AuditHead | None) -> int:
        """The number of links. Raises AuditChainBroken when ``head`` isn't the last one."""
        if head is None:
            if self._seq:
                raise AuditChainBroken(self._chain, self._seq, "the chain has no head")
            return 0
        if (head.seq, head.hash) != (self._seq, self._previous):
            raise AuditChainBroken(
                self._chain, head.seq, f"the head doesn't fit the last entry, {self._seq}"
            )
        return self._seq


def verify_chain(chain: str, entries: Iterable[AuditEntry], head: AuditHead | None) -> int:
    """Check every link from the first to the head; the number of entries.

    Raises AuditChainBroken at the first that doesn't hold.
    """
    check = ChainCheck(chain)
    for entry in entries:
        check.follow(entry)
    return check.end(head)


def format_time(at: datetime) -> str:
    """RFC 3339 in UTC with six digits and ``Z``: the form that is hashed and shown."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _length_prefixed(text: str | None) -> bytes:
    if text is None:
        return _MISSING
    encoded = text.encode()
    return struct.pack(">i", len(encoded)) + encoded


def _canonical(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _canonical(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_canonical(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _SAFE_INTEGER:
        return str(value)
    return value
