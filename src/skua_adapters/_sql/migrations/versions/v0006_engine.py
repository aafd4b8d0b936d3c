"""Media, re-sends, the guards over a broadcast, auto-messages, tags, and whose chat is whose."""

from skua_adapters._sql.migrations.statements import run

revision = "0006"
down_revision = "0005"

# What was the outcome before an operator had it sent again.
DELIVERY_ATTEMPTS = """
CREATE TABLE tenant.delivery_attempts (
    bot_id uuid,
    source_id uuid,
    position integer,
    attempt smallint,
    status tenant.delivery_status NOT NULL,
    reason text,
    detail text,
    message_id bigint,
    finished_at timestamptz,
    CONSTRAINT delivery_attempts_pkey PRIMARY KEY (bot_id, source_id, position, attempt)
)
"""

MEDIA = """
CREATE TABLE tenant.media (
    bot_id uuid,
    id uuid,
    kind text NOT NULL,
    name text NOT NULL,
    size bigint NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT media_pkey PRIMARY KEY (bot_id, id)
)
"""

# Photos and films are packed already: compressing them once more takes time and saves nothing.
MEDIA_CHUNKS = """
CREATE TABLE tenant.media_chunks (
    bot_id uuid,
    media_id uuid,
    number integer,
    data bytea NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT media_chunks_pkey PRIMARY KEY (bot_id, media_id, number)
)
"""

MEDIA_FILES = """
CREATE TABLE tenant.media_files (
    bot_id uuid,
    key text,
    file_id text NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT media_files_pkey PRIMARY KEY (bot_id, key)
)
"""

AUTO_MESSAGES = """
CREATE TABLE tenant.auto_messages (
    bot_id uuid,
    id uuid,
    campaign_id uuid NOT NULL,
    trigger text NOT NULL CHECK (trigger IN ('start', 'keyword')),
    keyword text,
    status text NOT NULL CHECK (status IN ('active', 'paused')),
    pause_reason text,
    pause_detail text,
    received text[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT auto_messages_pkey PRIMARY KEY (bot_id, id),
    CONSTRAINT auto_messages_keyword CHECK ((trigger = 'keyword') = (keyword IS NOT NULL)),
    CONSTRAINT auto_messages_campaign FOREIGN KEY (bot_id, campaign_id)
        REFERENCES tenant.campaigns (bot_id, id)
)
"""

AUTO_MESSAGES_TRIGGER = """
CREATE UNIQUE INDEX auto_messages_trigger
ON tenant.auto_messages (bot_id, trigger, coalesce(keyword, ''))
"""

CHAT_LINKS = """
CREATE TABLE tenant.chat_links (
    bot_id uuid,
    user_id uuid,
    fingerprint bytea,
    expires_at timestamptz,
    subscriber_id uuid,
    linked_at timestamptz,
    CONSTRAINT chat_links_pkey PRIMARY KEY (bot_id, user_id),
    CONSTRAINT chat_links_fingerprint UNIQUE (bot_id, fingerprint)
)
"""

DIRECT_MESSAGE_ORIGINS = """
ALTER TABLE tenant.direct_messages
    ADD campaign_id uuid, ADD revision integer, ADD variant text, ADD auto_message_id uuid
"""

# In the order in which a claim locks them.
BROADCASTS_UNFINISHED = """
CREATE INDEX broadcasts_unfinished ON tenant.broadcasts (bot_id, id)
WHERE status = 'sending' OR (status = 'cancelled' AND finished_at IS NULL)
"""

CHANGEABLE = {
    "delivery_attempts": None,
    "media": None,
    "media_chunks": None,
    "media_files": "file_id, seen_at",
    "auto_messages": (
        "campaign_id, trigger, keyword, status, pause_reason, pause_detail, received, updated_at"
    ),
    "chat_links": "fingerprint, expires_at, subscriber_id, linked_at",
}


def upgrade() -> None:
    run(
        "ALTER TABLE tenant.subscribers ADD tags text[] NOT NULL DEFAULT '{}'",
        "GRANT UPDATE (tags) ON tenant.subscribers TO skua_app",
        "ALTER TABLE tenant.broadcasts"
        " ADD resending text[] NOT NULL DEFAULT '{}',"
        " ADD resend_cursor integer NOT NULL DEFAULT 0,"
        " ADD received text[] NOT NULL DEFAULT '{}',"
        " ADD blocks integer NOT NULL DEFAULT 0,"
        " ADD blocks_since integer NOT NULL DEFAULT 0,"
        " ADD unknown_chats_accepted boolean NOT NULL DEFAULT false",
        "GRANT UPDATE (resending, resend_cursor, received, blocks, blocks_since,"
        " unknown_chats_accepted)"
        " ON tenant.broadcasts TO skua_app",
        "DROP INDEX tenant.broadcasts_unfinished",
        BROADCASTS_UNFINISHED,
        DIRECT_MESSAGE_ORIGINS,
        DELIVERY_ATTEMPTS,
        MEDIA,
        MEDIA_CHUNKS,
        # Media are compressed already. PostgreSQL 15 can't be told so as it makes the table.
        "ALTER TABLE tenant.media_chunks ALTER data SET STORAGE EXTERNAL",
        MEDIA_FILES,
        AUTO_MESSAGES,
        AUTO_MESSAGES_TRIGGER,
        CHAT_LINKS,
    )
    for table, columns in CHANGEABLE.items():
        run(
            f"SELECT tenant.protect('{table}')",
            f"GRANT SELECT, INSERT, DELETE ON tenant.{table} TO skua_app",
        )
        if columns:
            run(f"GRANT UPDATE ({columns}) ON tenant.{table} TO skua_app")


def downgrade() -> None:
    run(
        "DROP TABLE tenant.chat_links, tenant.auto_messages, tenant.media_files,"
        " tenant.media_chunks, tenant.media, tenant.delivery_attempts",
        "DROP INDEX tenant.broadcasts_unfinished",
        BROADCASTS_UNFINISHED.replace("(bot_id, id)", "(bot_id)"),
        "ALTER TABLE tenant.direct_messages"
        " DROP campaign_id, DROP revision, DROP variant, DROP auto_message_id",
        "ALTER TABLE tenant.broadcasts DROP resending, DROP resend_cursor, DROP received,"
        " DROP blocks, DROP blocks_since, DROP unknown_chats_accepted",
        "ALTER TABLE tenant.subscribers DROP tags",
    )
