"""What belongs to an account, as it is before it is stored."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from skua_core.domain.account import Account
from skua_core.domain.challenge import CODE_LIVES, Challenge, ChallengePurpose
from skua_core.domain.handles import hash_of
from skua_core.domain.session import ApiKey, Device, KeyAccess, Session
from skua_core.ids import ApiKeyId, DeviceId, SessionId
from skua_core.ports.account_storage import AccountUnit

CAP = timedelta(days=90)


async def a_challenge(unit: AccountUnit, login: str, **fields: Any) -> Challenge:
    """Its handle is the address."""
    now = await unit.now()
    usual: dict[str, Any] = {
        "handle_hash": hash_of(login),
        "purpose": ChallengePurpose.REGISTER,
        "login": login,
        "code_mac": b"mac",
        "expires_at": now + CODE_LIVES,
        "created_at": now,
    }
    return Challenge(**usual | fields)


async def a_session(unit: AccountUnit, account: Account, **fields: Any) -> Session:
    now = await unit.now()
    session_id = SessionId(uuid4())
    usual: dict[str, Any] = {
        "id": session_id,
        "sid_hash": hash_of(str(session_id)),
        "user_id": account.user.id,
        "created_at": now,
        "issued_at": now,
        "last_seen_at": now,
        "absolute_until": now + CAP,
    }
    return Session(**usual | fields)


async def a_device(unit: AccountUnit, account: Account, **fields: Any) -> Device:
    now = await unit.now()
    device_id = DeviceId(uuid4())
    usual: dict[str, Any] = {
        "id": device_id,
        "token_hash": hash_of(str(device_id)),
        "user_id": account.user.id,
        "created_at": now,
        "last_seen_at": now,
    }
    return Device(**usual | fields)


async def a_key(unit: AccountUnit, account: Account, **fields: Any) -> ApiKey:
    now = await unit.now()
    key_id = ApiKeyId(uuid4())
    usual: dict[str, Any] = {
        "id": key_id,
        "secret_hash": hash_of(str(key_id)),
        "user_id": account.user.id,
        "name": "Nightly import",
        "access": KeyAccess.READ,
        "bots": None,
        "created_at": now,
        "expires_at": None,
    }
    return ApiKey(**usual | fields)
