"""Port: accounts, and everything by which people sign in; one transaction at a time."""

from abc import abstractmethod
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from skua_core.domain.account import Account
from skua_core.domain.challenge import Challenge, ChallengePurpose
from skua_core.domain.letter import QueuedLetter
from skua_core.domain.secret import SealedSecret
from skua_core.domain.session import ApiKey, Device, EndReason, LiveKey, LiveSession, Session
from skua_core.ids import ApiKeyId, DeviceId, MailId, SessionId, UserId
from skua_core.ports.audit_trail import AuditTrail


class AccountRepository(Protocol):
    """Users with the means to sign in. What is handed out changes nothing until it is saved."""

    @abstractmethod
    async def get(self, user_id: UserId, *, lock: bool = False) -> Account | None:
        """``lock`` keeps others from changing it until the unit ends."""

    @abstractmethod
    async def by_login(self, login: str, *, lock: bool = False) -> Account | None: ...

    @abstractmethod
    async def add(self, account: Account) -> None:
        """Raises EmailInUse when its login or local login is somebody's; the unit goes on then."""

    @abstractmethod
    async def save(self, account: Account) -> None:
        """All but the id and ``created_at``.

        Raises UserNotFound, and EmailInUse as ``add`` does.
        """

    @abstractmethod
    async def remove(self, user_id: UserId) -> None:
        """With sessions, devices, keys, codes, roles on bots, and whatever names its address.

        Links of its chats are rows of bots and stay: ``LinkedChats`` removes them before. Raises
        AccountOwnsBots while it owns any.
        """

    @abstractmethod
    async def page(self, *, after: str | None, limit: int) -> Sequence[Account]:
        """By login, those behind ``after``; the local users of the command too."""


class ChallengeRepository(Protocol):
    """Attempts to prove an address, found by the hash of their handle."""

    @abstractmethod
    async def add(self, challenge: Challenge) -> None: ...

    @abstractmethod
    async def lock(self, handle_hash: bytes) -> Challenge | None:
        """Whoever tries a code holds its challenge until the unit ends, so no try is missed.

        Those who lock one of the same purpose and address wait too: each may close the others.
        """

    @abstractmethod
    async def save(self, challenge: Challenge) -> None:
        """The code, its times and tries, whether it is closed, and the password it would set."""

    @abstractmethod
    async def close_others(
        self, purpose: ChallengePurpose, login: str, *, but: bytes | None = None
    ) -> None:
        """Supersede every other one of this purpose for this address."""


class SessionRepository(Protocol):
    """Whether a session lives is asked by the storage's clock, as ``Session.live`` says."""

    @abstractmethod
    async def add(self, session: Session) -> None: ...

    @abstractmethod
    async def live(self, sid_hash: bytes) -> LiveSession | None:
        """The session and its user in one query; None when it is over or the user disabled.

        Notes once a minute that it was seen, which is kept when the unit is committed.
        """

    @abstractmethod
    async def of_user(self, user_id: UserId) -> Sequence[Session]:
        """The live ones, newest first."""

    @abstractmethod
    async def roll(self, session_id: SessionId) -> datetime | None:
        """A new ``issued_at``; None, and nothing is done, when it is over or revoked meanwhile."""

    @abstractmethod
    async def step_up(self, session_id: SessionId) -> None: ...

    @abstractmethod
    async def revoke(
        self,
        user_id: UserId,
        reason: EndReason,
        *,
        only: SessionId | None = None,
        but: SessionId | None = None,
    ) -> int:
        """End the user's live sessions, or one, or all but one; how many there were."""


class DeviceRepository(Protocol):
    """Browsers from which their user has signed in before."""

    @abstractmethod
    async def add(self, device: Device) -> None: ...

    @abstractmethod
    async def find(self, user_id: UserId, token_hash: bytes) -> Device | None:
        """One of this user's that is younger than ``DEVICE_LIVES``; notes that it was seen."""

    @abstractmethod
    async def of_user(self, user_id: UserId) -> Sequence[Device]:
        """Newest first."""

    @abstractmethod
    async def remove(self, user_id: UserId, *, only: DeviceId | None = None) -> int:
        """How many there were."""


class ApiKeyRepository(Protocol):
    """Keys of programs, found by their hash."""

    @abstractmethod
    async def add(self, key: ApiKey) -> None: ...

    @abstractmethod
    async def live(self, secret_hash: bytes) -> LiveKey | None:
        """As for a session: None when it is over, removed, or its user disabled.

        Notes once a minute that it was used.
        """

    @abstractmethod
    async def of_user(self, user_id: UserId) -> Sequence[ApiKey]:
        """Newest first."""

    @abstractmethod
    async def remove(self, user_id: UserId, *, only: ApiKeyId | None = None) -> int: ...


class RecoveryCodeRepository(Protocol):
    """Hashes of the codes that stand in for a lost second factor; each works once."""

    @abstractmethod
    async def replace(self, user_id: UserId, hashes: Sequence[bytes]) -> None: ...

    @abstractmethod
    async def use(self, user_id: UserId, code_hash: bytes) -> bool:
        """Whether it was one of theirs; it is none any more."""

    @abstractmethod
    async def left(self, user_id: UserId) -> int: ...


class Outbox(Protocol):
    """Letters that have to leave. They are written with whatever they tell of, or not at all."""

    @abstractmethod
    async def add(self, mail_id: MailId, sealed: SealedSecret) -> None: ...

    @abstractmethod
    async def take(self, *, limit: int, hold: float) -> Sequence[QueuedLetter]:
        """Those that are due, longest waiting first; nobody else gets them for ``hold`` seconds."""

    @abstractmethod
    async def sent(self, mail_id: MailId) -> None:
        """Nothing of it is kept."""

    @abstractmethod
    async def postpone(self, mail_id: MailId, *, seconds: float) -> None: ...

    @abstractmethod
    async def give_up(self, mail_id: MailId) -> None:
        """Nothing of it is kept."""


class AccountUnit(Protocol):
    """One transaction over accounts. Leaving without ``commit`` discards everything.

    Belongs to one task. Never held open while a password is hashed or a mail sent. Adding what
    belongs to a user who is gone raises UserNotFound.
    """

    accounts: AccountRepository
    challenges: ChallengeRepository
    sessions: SessionRepository
    devices: DeviceRepository
    api_keys: ApiKeyRepository
    recovery_codes: RecoveryCodeRepository
    outbox: Outbox

    @abstractmethod
    async def now(self) -> datetime:
        """The storage's time, by which codes and sessions end."""

    @abstractmethod
    async def invited(self, login: str) -> bool:
        """Whether there is an invitation for this address that is still good."""

    @abstractmethod
    async def prune(self, *, before: datetime) -> int:
        """Forget challenges, sessions and devices that ended earlier; how many there were."""

    @abstractmethod
    def audit(self, user_id: UserId) -> AuditTrail:
        """That user's own chain, whose name is their id."""

    @abstractmethod
    async def commit(self) -> None:
        """Make it real; the unit is over then.

        Raises StorageUnavailable with ``unsure`` when the connection broke during the commit.
        """


class AccountStorage(Protocol):
    """The only door to accounts. Shared by all tasks."""

    @abstractmethod
    def unit(self) -> AbstractAsyncContextManager[AccountUnit]:
        """Any method inside may raise StorageUnavailable."""

    @abstractmethod
    async def close(self) -> None: ...
