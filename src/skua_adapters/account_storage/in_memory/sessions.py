"""Sessions in memory."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from skua_adapters.account_storage.in_memory.transaction import AccountTransaction
from skua_core.domain.session import EndReason, LiveSession, Session
from skua_core.ids import SessionId, UserId
from skua_core.ports.account_storage import SessionRepository

_NOTED_EVERY = timedelta(minutes=1)


class InMemorySessionRepository(SessionRepository):
    def __init__(self, transaction: AccountTransaction) -> None:
        self._transaction = transaction
        self._sessions = transaction.sessions

    async def add(self, session: Session) -> None:
        self._transaction.check_user(session.user_id)
        self._sessions.put(session.id, session)

    async def live(self, sid_hash: bytes) -> LiveSession | None:
        now = self._transaction.now()
        for session in self._sessions.find("sid_hash", sid_hash):
            user = self._transaction.users.get(session.user_id)
            if user is None or user.disabled_at is not None or not session.live(now):
                return None
            found = LiveSession(
                session=session, user=user, totp_enabled=self._totp_enabled(user.id)
            )
            if now - session.last_seen_at >= _NOTED_EVERY:
                self._change(session.id, last_seen_at=now)
            return found
        return None

    async def of_user(self, user_id: UserId) -> Sequence[Session]:
        return sorted(self._live(user_id), key=_age, reverse=True)

    async def roll(self, session_id: SessionId) -> datetime | None:
        now = self._transaction.now()
        return now if self._change(session_id, issued_at=now) else None

    async def step_up(self, session_id: SessionId) -> None:
        self._change(session_id, stepped_up_at=self._transaction.now())

    async def revoke(
        self,
        user_id: UserId,
        reason: EndReason,
        *,
        only: SessionId | None = None,
        but: SessionId | None = None,
    ) -> int:
        ending = [
            session
            for session in self._live(user_id)
            if (only is None or session.id == only) and session.id != but
        ]
        for session in ending:
            self._change(session.id, revoked_at=self._transaction.now(), end_reason=reason)
        return len(ending)

    def _live(self, user_id: UserId) -> list[Session]:
        now = self._transaction.now()
        return [each for each in self._sessions.find("user", user_id) if each.live(now)]

    def _change(self, session_id: SessionId, **fields: object) -> bool:
        """Only what still lives is changed."""
        session = self._sessions.get(session_id)
        if session is None or not session.live(self._transaction.now()):
            return False
        for name, value in fields.items():
            setattr(session, name, value)
        self._sessions.put(session_id, session)
        return True

    def _totp_enabled(self, user_id: UserId) -> bool:
        credentials = self._transaction.credentials.get(user_id)
        return credentials is not None and credentials.totp_confirmed


def _age(session: Session) -> tuple[datetime, SessionId]:
    return session.created_at, session.id
