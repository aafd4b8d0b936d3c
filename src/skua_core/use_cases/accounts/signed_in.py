"""Somebody who has shown who they are."""

from datetime import datetime

import msgspec

from skua_core.domain.account import Caller
from skua_core.domain.audit import Details, NewAuditEntry
from skua_core.domain.session import ApiKey, Session
from skua_core.domain.user import Actor, User
from skua_core.errors import KeyNotAllowed, StepUpRequired


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """Proof of who asks; only authentication makes one."""

    user: User
    actor: Actor
    totp_enabled: bool = False
    session: Session | None = None
    """None for a program with an API key."""
    key: ApiKey | None = None

    def as_person(self) -> Session:
        """The session. Raises KeyNotAllowed for a program."""
        if self.session is None:
            raise KeyNotAllowed
        return self.session

    def require_step_up(self, now: datetime) -> Session:
        """Raises StepUpRequired unless the password was shown within 15 minutes; so for keys."""
        if self.session is None or not self.session.stepped_up(now):
            raise StepUpRequired
        return self.session


def actor_of(user: User, caller: Caller) -> Actor:
    return Actor(user_id=user.id, name=user.login, ip=caller.ip, user_agent=caller.user_agent)


def account_entry(actor: Actor, action: str, details: Details | None = None) -> NewAuditEntry:
    """An audit entry about the actor's own account."""
    return NewAuditEntry(
        actor=actor,
        action=f"account.{action}",
        resource=f"user:{actor.user_id}",
        details=details or {},
    )
