"""Begin a session on a device, known or new."""

from datetime import datetime

import msgspec

from skua_core.domain.account import Account, Caller, display_name
from skua_core.domain.handles import hash_of, is_handle, new_handle
from skua_core.domain.letter import Letter, LetterKind
from skua_core.domain.secret import Secret
from skua_core.domain.session import (
    MOST_DEVICES,
    MOST_SESSIONS,
    Device,
    EndReason,
    Session,
    SessionPolicy,
)
from skua_core.ids import DeviceId, SessionId, UserId
from skua_core.ports.account_storage import AccountUnit
from skua_core.ports.id_factory import IdFactory
from skua_core.use_cases.accounts.letters import LetterBox


async def find_device(unit: AccountUnit, user_id: UserId, caller: Caller) -> Device | None:
    """The known device that the caller says it is, if it is one of this user's."""
    token = caller.device_token
    if token is None or not is_handle(token):
        return None
    return await unit.devices.find(user_id, hash_of(token))


class NewSession(msgspec.Struct, frozen=True, kw_only=True):
    session: Session
    sid: Secret
    device_token: Secret | None
    """None for a device that was known already."""


class NewSessions:
    """The oldest session gives way when there are too many, and so does the oldest device.

    Whoever has signed in before is told by mail when a new device does.
    """

    def __init__(self, *, ids: IdFactory, letters: LetterBox, policy: SessionPolicy) -> None:
        self._ids = ids
        self._letters = letters
        self._policy = policy

    async def begin(self, unit: AccountUnit, account: Account, caller: Caller) -> NewSession:
        """``account`` is locked, so that no two begin at once."""
        user_id, now = account.user.id, await unit.now()
        device, device_token = await find_device(unit, user_id, caller), None
        if device is None:
            device_token = Secret(new_handle())
            device = await self._add_device(unit, account, caller, device_token, now)
        live = await unit.sessions.of_user(user_id)
        for oldest in live[MOST_SESSIONS - 1 :]:
            await unit.sessions.revoke(user_id, EndReason.TOO_MANY, only=oldest.id)
        sid = Secret(new_handle())
        session = Session(
            id=SessionId(self._ids.new()),
            sid_hash=hash_of(sid.reveal()),
            user_id=user_id,
            created_at=now,
            issued_at=now,
            last_seen_at=now,
            absolute_until=now + self._policy.absolute,
            stepped_up_at=now,
            ip=caller.ip,
            user_agent=caller.user_agent,
            device_id=device.id,
        )
        await unit.sessions.add(session)
        return NewSession(session=session, sid=sid, device_token=device_token)

    async def _add_device(
        self, unit: AccountUnit, account: Account, caller: Caller, token: Secret, now: datetime
    ) -> Device:
        user_id = account.user.id
        known = await unit.devices.of_user(user_id)
        for oldest in known[MOST_DEVICES - 1 :]:
            await unit.devices.remove(user_id, only=oldest.id)
        device = Device(
            id=DeviceId(self._ids.new()),
            token_hash=hash_of(token.reveal()),
            user_id=user_id,
            created_at=now,
            last_seen_at=now,
            ip=caller.ip,
            user_agent=caller.user_agent,
        )
        await unit.devices.add(device)
        if known:
            await self._letters.post(unit, _new_device_letter(account, caller, now))
        return device


def _new_device_letter(account: Account, caller: Caller, now: datetime) -> Letter:
    facts = {
        "name": display_name(account.user),
        "at": now.isoformat(),
        "ip": caller.ip,
        "user_agent": caller.user_agent,
    }
    return Letter(
        to=account.user.login,
        kind=LetterKind.NEW_DEVICE,
        facts={name: fact for name, fact in facts.items() if fact is not None},
    )
