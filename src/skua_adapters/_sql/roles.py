"""The database's roles, and how they are made."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from types import MappingProxyType

import asyncpg

from skua_adapters._sql.direct import connect
from skua_core.errors import StorageUnfit

OWNER = "skua_owner"
"""Owns ``tenant`` and ``platform``; migrations only."""
APP = "skua_app"
"""The server and the worker."""
CLOCK = "skua_clock"
"""Owns the functions that find due work over all bots. Nobody logs in as it."""
AUDIT = "skua_audit"
"""Owns the audit schema. Nobody logs in as it."""
BACKUP = "skua_backup"
"""Reads everything."""

ALL = (OWNER, APP, CLOCK, AUDIT, BACKUP)
LOGINS = (OWNER, APP, BACKUP)
_ROLES = {
    # Without inheritance the owner's membership below gives nothing until a migration asks for
    # it by SET ROLE: it can't touch an audit entry by mistake.
    OWNER: "LOGIN NOINHERIT",
    APP: "LOGIN",
    BACKUP: "LOGIN",
    CLOCK: "NOLOGIN",
    AUDIT: "NOLOGIN",
}
_SCRAM_ITERATIONS = 4096


async def create_roles(
    url: str, passwords: Mapping[str, str] = MappingProxyType({}), *, connect_timeout: float = 5.0
) -> None:
    """Make the roles that are missing, and give those in ``passwords`` their password.

    ``url`` names the database that Skua will live in, as a role that may create roles and owns
    that database: a superuser, or what managed servers give instead. May be repeated.
    Raises StorageUnavailable, and StorageUnfit when the server says no.
    """
    unknown = sorted(set(passwords) - set(LOGINS))
    if unknown:
        raise ValueError(f"not roles that log in: {', '.join(unknown)}")
    for role, password in passwords.items():
        # Others would have to be normalised as SASLprep says, which two programs do differently.
        if not (password.isascii() and password.isprintable() and password):
            raise StorageUnfit((f"the password of {role} must be printable ASCII",))
    try:
        async with (
            connect(url, connect_timeout=connect_timeout) as connection,
            connection.transaction(),
        ):
            await _make(connection, passwords)
    except asyncpg.InsufficientPrivilegeError as error:
        raise StorageUnfit(
            (
                (
                    f"the roles can't be made ({error.args[0]}); use a superuser, or a role with"
                    " CREATEROLE that owns the database"
                ),
            )
        ) from None


async def _make(connection: asyncpg.Connection, passwords: Mapping[str, str]) -> None:
    # Two at once would both find a role missing.
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('skua.roles', 0))")
    existing = {row["rolname"] for row in await connection.fetch("SELECT rolname FROM pg_roles")}
    for role, options in _ROLES.items():
        if role not in existing:
            await connection.execute(f"CREATE ROLE {role} {options}")
    for role, password in passwords.items():
        await connection.execute(f"ALTER ROLE {role} PASSWORD '{scram_verifier(password)}'")
    await _let_the_owner_become(connection, CLOCK, AUDIT)
    await _let_them_in(connection)


async def _let_the_owner_become(connection: asyncpg.Connection, *roles: str) -> None:
    """Migrations make what these own. Granting twice would need more rights than asking."""
    for role in roles:
        if not await connection.fetchval(
            "SELECT EXISTS (SELECT FROM pg_auth_members"
            " WHERE roleid = $1::text::regrole AND member = $2::text::regrole)",
            role,
            OWNER,
        ):
            await connection.execute(f"GRANT {role} TO {OWNER}")


async def _let_them_in(connection: asyncpg.Connection) -> None:
    database = await connection.fetchval("SELECT quote_ident(current_database())")
    await connection.execute(f"GRANT CREATE ON DATABASE {database} TO {OWNER}")
    await connection.execute(f"GRANT CONNECT ON DATABASE {database} TO {', '.join(LOGINS)}")
    # A grant by whoever may give nothing is a warning, not an error.
    if not await connection.fetchval(
        "SELECT has_database_privilege($1, current_database(), 'CREATE')", OWNER
    ):
        raise StorageUnfit((f"{OWNER} can't be let into it; use a superuser, or its owner",))


def scram_verifier(password: str) -> str:
    """What the server keeps of a password (RFC 5803), made here.

    The password itself then never stands in a statement, which servers may log. ASCII only.
    """
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _SCRAM_ITERATIONS)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    encoded = [
        base64.b64encode(part).decode()
        for part in (salt, hashlib.sha256(client_key).digest(), server_key)
    ]
    return f"SCRAM-SHA-256${_SCRAM_ITERATIONS}:{encoded[0]}${encoded[1]}:{encoded[2]}"
