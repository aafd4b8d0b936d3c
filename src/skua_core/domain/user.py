"""Users, and whoever else may be named as the one who did something."""

from datetime import datetime

import msgspec

from skua_core.ids import UserId


class User(msgspec.Struct, kw_only=True):
    """A person who signs in, or the local user of the command, who can't."""

    id: UserId
    login: str
    """An e-mail address, or ``cli:<system user>`` for somebody at this machine's shell."""
    name: str = ""
    created_at: datetime
    disabled_at: datetime | None = None
    """Since when they may not sign in."""
    local_login: str | None = None
    """The ``cli:…`` that is this user too: whoever took the local user over."""


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks for something, from where; written into the audit log."""

    user_id: UserId | None
    name: str
    """A user's login, or ``system`` for what Skua does by itself."""
    ip: str | None = None
    user_agent: str | None = None


SYSTEM = Actor(user_id=None, name="system")
