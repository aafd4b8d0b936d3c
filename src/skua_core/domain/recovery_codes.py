"""Recovery codes: each stands in for the second factor, once."""

import re
import secrets

from skua_core.domain.handles import hash_of
from skua_core.domain.secret import Secret
from skua_core.ids import UserId

RECOVERY_CODES = 10
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_GROUPS, _GROUP = 4, 6
"""120 bits: enough for a plain hash to give nothing away (ASVS 5.0, 6.5.2, asks for 112)."""
_BARE = re.compile(rf"[{_ALPHABET}]{{{_GROUPS * _GROUP}}}", re.ASCII)


def new_recovery_codes() -> list[Secret]:
    return [_random_code() for _ in range(RECOVERY_CODES)]


def recovery_code_hash(user_id: UserId, text: str) -> bytes | None:
    """By which it is found; None for what can't be one. Capitals, dashes and spaces don't count."""
    bare = re.sub(r"[\s-]", "", text.lower())
    if _BARE.fullmatch(bare) is None:
        return None
    return hash_of(f"{user_id}|{bare}")


def _random_code() -> Secret:
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS))
    return Secret("-".join(groups))
