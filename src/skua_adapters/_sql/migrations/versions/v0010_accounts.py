"""How users prove who they are, what stands for them afterwards, and letters that have to leave."""

from skua_adapters._sql.migrations.statements import run
from skua_adapters._sql.migrations.versions import v0005_audit

revision = "0010"
down_revision = "0009"

USERS = """
ALTER TABLE platform.users
    ADD name text NOT NULL DEFAULT '',
    ADD disabled_at timestamptz,
    ADD local_login text CONSTRAINT users_local_login UNIQUE
"""

# Apart from users, so that looking a user up never reads what they sign in with.
CREDENTIALS = """
CREATE TABLE platform.credentials (
    user_id uuid CONSTRAINT credentials_pkey PRIMARY KEY
        CONSTRAINT credentials_user REFERENCES platform.users ON DELETE CASCADE,
    password_hash text,
    totp_sealed text,
    totp_confirmed boolean NOT NULL,
    totp_last_step bigint NOT NULL,
    failures integer NOT NULL
)
"""

CHALLENGES = """
CREATE TABLE platform.challenges (
    handle_hash bytea CONSTRAINT challenges_pkey PRIMARY KEY,
    purpose text NOT NULL
        CHECK (purpose IN ('register', 'reset-password', 'change-email', 'unlock')),
    login text NOT NULL,
    code_mac bytea,
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    tries integer NOT NULL,
    closed boolean NOT NULL,
    user_id uuid CONSTRAINT challenges_user REFERENCES platform.users ON DELETE CASCADE,
    name text NOT NULL,
    password_hash text
)
"""

DEVICES = """
CREATE TABLE platform.devices (
    id uuid CONSTRAINT devices_pkey PRIMARY KEY,
    token_hash bytea NOT NULL,
    user_id uuid NOT NULL CONSTRAINT devices_user REFERENCES platform.users ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    ip text,
    user_agent text,
    CONSTRAINT devices_token UNIQUE (user_id, token_hash)
)
"""

SESSIONS = """
CREATE TABLE platform.sessions (
    id uuid CONSTRAINT sessions_pkey PRIMARY KEY,
    sid_hash bytea NOT NULL CONSTRAINT sessions_sid UNIQUE,
    user_id uuid NOT NULL CONSTRAINT sessions_user REFERENCES platform.users ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    issued_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    absolute_until timestamptz NOT NULL,
    stepped_up_at timestamptz,
    ip text,
    user_agent text,
    device_id uuid CONSTRAINT sessions_device REFERENCES platform.devices ON DELETE SET NULL,
    revoked_at timestamptz,
    end_reason text CHECK (end_reason IN ('logged-out', 'ended-by-user', 'password-changed',
                                          'email-changed', 'user-disabled', 'too-many')),
    CONSTRAINT sessions_end CHECK ((revoked_at IS NULL) = (end_reason IS NULL))
)
"""

# A bot's id in an array outlives its bot and then names nothing: ids aren't used again.
API_KEYS = """
CREATE TABLE platform.api_keys (
    id uuid CONSTRAINT api_keys_pkey PRIMARY KEY,
    secret_hash bytea NOT NULL CONSTRAINT api_keys_secret UNIQUE,
    user_id uuid NOT NULL CONSTRAINT api_keys_user REFERENCES platform.users ON DELETE CASCADE,
    name text NOT NULL,
    access text NOT NULL CHECK (access IN ('read', 'write')),
    bot_ids uuid[],
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    last_used_at timestamptz
)
"""

RECOVERY_CODES = """
CREATE TABLE platform.recovery_codes (
    user_id uuid CONSTRAINT recovery_codes_user REFERENCES platform.users ON DELETE CASCADE,
    code_hash bytea,
    CONSTRAINT recovery_codes_pkey PRIMARY KEY (user_id, code_hash)
)
"""

MAILS = """
CREATE TABLE platform.mails (
    id uuid CONSTRAINT mails_pkey PRIMARY KEY,
    sealed text NOT NULL,
    written_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    attempts integer NOT NULL
)
"""

INVITATIONS = """
CREATE TABLE platform.invitations (
    id uuid CONSTRAINT invitations_pkey PRIMARY KEY,
    bot_id uuid NOT NULL CONSTRAINT invitations_bot REFERENCES platform.bots ON DELETE CASCADE,
    login text NOT NULL,
    role text NOT NULL CHECK (role IN ('admin', 'editor', 'viewer')),
    token_hash bytea NOT NULL CONSTRAINT invitations_token UNIQUE,
    invited_by uuid CONSTRAINT invitations_inviter REFERENCES platform.users ON DELETE SET NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    accepted_at timestamptz,
    revoked_at timestamptz
)
"""

# In the order in which they may be made; what the application may update of each.
TABLES = {
    "credentials": (
        CREDENTIALS,
        "password_hash, totp_sealed, totp_confirmed, totp_last_step, failures",
    ),
    "challenges": (CHALLENGES, "code_mac, expires_at, tries, closed, password_hash"),
    "devices": (DEVICES, "last_seen_at"),
    "sessions": (SESSIONS, "issued_at, last_seen_at, stepped_up_at, revoked_at, end_reason"),
    "api_keys": (API_KEYS, "last_used_at"),
    "recovery_codes": (RECOVERY_CODES, None),
    "mails": (MAILS, "due_at, attempts"),
    "invitations": (INVITATIONS, "role, token_hash, expires_at, accepted_at, revoked_at"),
}
# Rows of the others end with their user.
DELETABLE = (
    "challenges",
    "devices",
    "sessions",
    "api_keys",
    "recovery_codes",
    "mails",
    "invitations",
)
INDEXES = (
    "challenges_login ON platform.challenges (login, purpose)",
    "challenges_expires_at ON platform.challenges (expires_at)",
    "challenges_user_id ON platform.challenges (user_id)",
    "sessions_user_id ON platform.sessions (user_id)",
    "sessions_device_id ON platform.sessions (device_id)",
    "api_keys_user_id ON platform.api_keys (user_id)",
    "mails_due_at ON platform.mails (due_at)",
    "invitations_login ON platform.invitations (login)",
    "invitations_bot_id ON platform.invitations (bot_id)",
    "invitations_invited_by ON platform.invitations (invited_by)",
)

# A transaction inside a bot writes into that bot's chain whatever else it says; a user's is meant
# only outside any bot.
CURRENT_CHAIN = """
CREATE OR REPLACE FUNCTION audit.current_chain() RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(nullif(current_setting('skua.bot_id', true), '')::uuid::text,
                    nullif(current_setting('skua.user_id', true), '')::uuid::text,
                    'platform')
$$
"""


def upgrade() -> None:
    run(
        USERS,
        "GRANT DELETE, UPDATE (login, name, disabled_at, local_login) ON platform.users"
        " TO skua_app",
    )
    for table, (create, updatable) in TABLES.items():
        run(create, f"GRANT SELECT, INSERT ON platform.{table} TO skua_app")
        if updatable is not None:
            run(f"GRANT UPDATE ({updatable}) ON platform.{table} TO skua_app")
        if table in DELETABLE:
            run(f"GRANT DELETE ON platform.{table} TO skua_app")
        run(f"GRANT SELECT ON platform.{table} TO skua_backup")
    run(*(f"CREATE INDEX {index}" for index in INDEXES))
    _set_chain(CURRENT_CHAIN)


def downgrade() -> None:
    _set_chain(v0005_audit.CURRENT_CHAIN.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))
    run(*(f"DROP TABLE platform.{table}" for table in reversed(TABLES)))
    run(
        "REVOKE DELETE, UPDATE (login) ON platform.users FROM skua_app",
        "ALTER TABLE platform.users DROP name, DROP disabled_at, DROP local_login",
    )


def _set_chain(function: str) -> None:
    run("SET LOCAL ROLE skua_audit", function, "RESET ROLE")
