"""What must be found before a bot is known: users, bots, permissions, lanes, wakes."""

from skua_adapters._sql.migrations.statements import run

revision = "0001"
down_revision = None

USERS = """
CREATE TABLE platform.users (
    id uuid CONSTRAINT users_pkey PRIMARY KEY,
    login text NOT NULL CONSTRAINT users_login UNIQUE,
    created_at timestamptz NOT NULL
)
"""

BOTS = """
CREATE TABLE platform.bots (
    id uuid CONSTRAINT bots_pkey PRIMARY KEY,
    slug text NOT NULL CONSTRAINT bots_slug UNIQUE,
    public_id text NOT NULL CONSTRAINT bots_public_id UNIQUE,
    name text NOT NULL,
    owner_id uuid NOT NULL CONSTRAINT bots_owner REFERENCES platform.users,
    telegram_id bigint,
    telegram_username text,
    token_state text NOT NULL
        CHECK (token_state IN ('missing', 'active', 'revoked', 'unreadable')),
    webhook_state text NOT NULL
        CHECK (webhook_state IN ('none', 'pending', 'set', 'polling')),
    read_only boolean NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
)
"""

# Whoever holds a token of Telegram's bot keeps everybody else from connecting it.
BOT_IN_USE = """
CREATE UNIQUE INDEX bots_telegram_id ON platform.bots (telegram_id)
WHERE token_state <> 'missing'
"""

# An edit is told from an older one by this time, so it must rise with each write, also with two
# in one transaction and under a clock that was set back.
TOUCH = """
CREATE FUNCTION platform.touch() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.updated_at := greatest(clock_timestamp(), OLD.updated_at + interval '1 microsecond');
    RETURN NEW;
END
$$
"""

PERMISSIONS = """
CREATE TABLE platform.bot_permissions (
    bot_id uuid CONSTRAINT bot_permissions_bot REFERENCES platform.bots ON DELETE CASCADE,
    user_id uuid CONSTRAINT bot_permissions_user REFERENCES platform.users ON DELETE CASCADE,
    role text NOT NULL CHECK (role IN ('admin', 'editor', 'viewer')),
    CONSTRAINT bot_permissions_pkey PRIMARY KEY (bot_id, user_id)
)
"""

# Heartbeats rewrite these rows every few seconds: room in each page keeps that cheap.
LANES = """
CREATE TABLE platform.lanes (
    bot_id uuid CONSTRAINT lanes_pkey PRIMARY KEY
        CONSTRAINT lanes_bot REFERENCES platform.bots ON DELETE CASCADE,
    lease_id uuid,
    epoch bigint NOT NULL DEFAULT 0,
    holder text,
    heartbeat_at timestamptz,
    not_before timestamptz,
    learned_rate double precision
) WITH (fillfactor = 50)
"""

# Read where LISTEN can't pass a pooler. It may be lost: whoever relies on wakes also sweeps.
WAKES = """
CREATE UNLOGGED TABLE platform.wakes (
    bot_id uuid CONSTRAINT wakes_pkey PRIMARY KEY,
    woken_at timestamptz NOT NULL
) WITH (fillfactor = 50)
"""


def upgrade() -> None:
    run(
        "REVOKE ALL ON SCHEMA platform FROM PUBLIC",
        "GRANT USAGE ON SCHEMA platform TO skua_app, skua_backup",
        USERS,
        BOTS,
        BOT_IN_USE,
        "CREATE INDEX bots_owner_id ON platform.bots (owner_id)",
        TOUCH,
        "REVOKE ALL ON FUNCTION platform.touch() FROM PUBLIC",
        "CREATE TRIGGER touch BEFORE UPDATE ON platform.bots"
        " FOR EACH ROW EXECUTE FUNCTION platform.touch()",
        PERMISSIONS,
        "CREATE INDEX bot_permissions_user_id ON platform.bot_permissions (user_id)",
        LANES,
        WAKES,
        "GRANT SELECT, INSERT ON platform.users TO skua_app",
        "GRANT SELECT, INSERT, DELETE, UPDATE (slug, name, owner_id, telegram_id,"
        " telegram_username, token_state, webhook_state, read_only) ON platform.bots TO skua_app",
        "GRANT SELECT, INSERT, DELETE, UPDATE (role) ON platform.bot_permissions TO skua_app",
        "GRANT SELECT, INSERT, DELETE, UPDATE (lease_id, epoch, holder, heartbeat_at, not_before,"
        " learned_rate) ON platform.lanes TO skua_app",
        "GRANT SELECT, INSERT, DELETE, UPDATE (woken_at) ON platform.wakes TO skua_app",
        "GRANT SELECT ON platform.alembic_version TO skua_app",
        "GRANT SELECT ON ALL TABLES IN SCHEMA platform TO skua_backup",
    )


def downgrade() -> None:
    run(
        "DROP TABLE platform.wakes, platform.lanes, platform.bot_permissions, platform.bots,"
        " platform.users",
        "DROP FUNCTION platform.touch()",
        "REVOKE SELECT ON platform.alembic_version FROM skua_app, skua_backup",
        "REVOKE USAGE ON SCHEMA platform FROM skua_app, skua_backup",
    )
