"""What belongs to one bot, behind forced row security."""

from skua_adapters._sql.migrations.statements import run

revision = "0002"
down_revision = "0001"

# The sub-select is evaluated once for each statement, not for each row. An ended SET LOCAL leaves
# '' behind, not NULL, which must mean the same: no bot, no rows.
PROTECT = """
CREATE FUNCTION tenant.protect(name text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    own constant text :=
        $own$(bot_id = (SELECT nullif(current_setting('skua.bot_id', true), '')::uuid))$own$;
BEGIN
    EXECUTE format('ALTER TABLE tenant.%I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE tenant.%I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY one_bot ON tenant.%I TO skua_app USING %s WITH CHECK %s',
                   name, own, own);
    EXECUTE format('CREATE POLICY backup ON tenant.%I FOR SELECT TO skua_backup USING (true)',
                   name);
    EXECUTE format('GRANT SELECT ON tenant.%I TO skua_backup', name);
END
$$
"""

BOT_SECRETS = """
CREATE TABLE tenant.bot_secrets (
    bot_id uuid CONSTRAINT bot_secrets_pkey PRIMARY KEY,
    sealed_token text,
    webhook_fingerprint bytea,
    updated_at timestamptz NOT NULL
)
"""

SUBSCRIBERS = """
CREATE TABLE tenant.subscribers (
    bot_id uuid,
    id uuid,
    chat_id bigint NOT NULL,
    kind text NOT NULL CHECK (kind IN ('private', 'group')),
    first_name text,
    last_name text,
    username text,
    language text,
    attributes jsonb NOT NULL DEFAULT '{}',
    source text,
    subscribed boolean NOT NULL,
    subscribed_changed_at timestamptz NOT NULL,
    reach text NOT NULL CHECK (reach IN ('reachable', 'blocked', 'deactivated', 'invalid')),
    reach_changed_at timestamptz NOT NULL,
    status text NOT NULL GENERATED ALWAYS AS (
        CASE WHEN reach <> 'reachable' THEN reach
             WHEN subscribed THEN 'active'
             ELSE 'unsubscribed' END
    ) STORED,
    next_send_at timestamptz,
    joined_at timestamptz NOT NULL,
    last_seen_at timestamptz,
    CONSTRAINT subscribers_pkey PRIMARY KEY (bot_id, id),
    CONSTRAINT subscribers_chat UNIQUE (bot_id, chat_id)
)
"""

CAMPAIGNS = """
CREATE TABLE tenant.campaigns (
    bot_id uuid,
    id uuid,
    name text NOT NULL,
    revision integer NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT campaigns_pkey PRIMARY KEY (bot_id, id)
)
"""

CAMPAIGN_REVISIONS = """
CREATE TABLE tenant.campaign_revisions (
    bot_id uuid,
    campaign_id uuid,
    number integer,
    source text NOT NULL,
    compiled text NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT campaign_revisions_pkey PRIMARY KEY (bot_id, campaign_id, number),
    CONSTRAINT campaign_revisions_campaign FOREIGN KEY (bot_id, campaign_id)
        REFERENCES tenant.campaigns (bot_id, id) ON DELETE CASCADE
)
"""

BROADCASTS = """
CREATE TABLE tenant.broadcasts (
    bot_id uuid,
    id uuid,
    campaign_id uuid NOT NULL,
    revision integer NOT NULL,
    former_revisions integer[] NOT NULL DEFAULT '{}',
    status text NOT NULL
        CHECK (status IN ('sending', 'paused', 'interrupted', 'completed', 'cancelled')),
    pause_reason text,
    pause_detail text,
    paid boolean NOT NULL,
    cursor integer NOT NULL DEFAULT 0,
    audience integer NOT NULL DEFAULT 0,
    pending integer NOT NULL DEFAULT 0,
    in_flight integer NOT NULL DEFAULT 0,
    sent integer NOT NULL DEFAULT 0,
    failed integer NOT NULL DEFAULT 0,
    skipped integer NOT NULL DEFAULT 0,
    uncertain integer NOT NULL DEFAULT 0,
    excluded jsonb NOT NULL DEFAULT '{}',
    created_by uuid,
    frozen_at timestamptz,
    served_at timestamptz,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    finished_at timestamptz,
    CONSTRAINT broadcasts_pkey PRIMARY KEY (bot_id, id),
    CONSTRAINT broadcasts_revision FOREIGN KEY (bot_id, campaign_id, revision)
        REFERENCES tenant.campaign_revisions (bot_id, campaign_id, number)
)
"""

# Two clicks never send twice: the slot that one sending broadcast of a bot may hold.
ONE_SENDING = """
CREATE UNIQUE INDEX broadcasts_one_sending ON tenant.broadcasts (bot_id)
WHERE status = 'sending'
"""

UNFINISHED = """
CREATE INDEX broadcasts_unfinished ON tenant.broadcasts (bot_id)
WHERE status = 'sending' OR (status = 'cancelled' AND finished_at IS NULL)
"""

DIRECT_MESSAGES = """
CREATE TABLE tenant.direct_messages (
    bot_id uuid,
    id uuid,
    content text NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT direct_messages_pkey PRIMARY KEY (bot_id, id)
)
"""

UPDATES = """
CREATE TABLE tenant.updates (
    bot_id uuid,
    update_id bigint,
    received_at timestamptz NOT NULL,
    CONSTRAINT updates_pkey PRIMARY KEY (bot_id, update_id)
)
"""

UPDATES_SET_ASIDE = """
CREATE TABLE tenant.updates_set_aside (
    bot_id uuid,
    id uuid,
    update_id bigint,
    raw bytea NOT NULL,
    problem text NOT NULL,
    received_at timestamptz NOT NULL,
    CONSTRAINT updates_set_aside_pkey PRIMARY KEY (bot_id, id)
)
"""

# Each table with what the application may change in it: never the bot, never the key.
CHANGEABLE = {
    "bot_secrets": "sealed_token, webhook_fingerprint, updated_at",
    "subscribers": (
        "chat_id, kind, first_name, last_name, username, language, attributes, source, subscribed,"
        " subscribed_changed_at, reach, reach_changed_at, next_send_at, joined_at, last_seen_at"
    ),
    "campaigns": "name, revision, updated_at",
    "campaign_revisions": None,
    "broadcasts": (
        "revision, former_revisions, status, pause_reason, pause_detail, paid, cursor, audience,"
        " pending, in_flight, sent, failed, skipped, uncertain, excluded, frozen_at, served_at,"
        " changed_at, finished_at"
    ),
    "direct_messages": None,
    "updates": None,
    "updates_set_aside": None,
}


def upgrade() -> None:
    run(
        "CREATE SCHEMA tenant",
        "GRANT USAGE ON SCHEMA tenant TO skua_app, skua_backup",
        PROTECT,
        "REVOKE ALL ON FUNCTION tenant.protect(text) FROM PUBLIC",
        BOT_SECRETS,
        SUBSCRIBERS,
        "CREATE INDEX subscribers_status ON tenant.subscribers (bot_id, status, id)",
        CAMPAIGNS,
        CAMPAIGN_REVISIONS,
        BROADCASTS,
        ONE_SENDING,
        UNFINISHED,
        "CREATE INDEX broadcasts_campaign ON tenant.broadcasts (bot_id, campaign_id, revision)",
        DIRECT_MESSAGES,
        UPDATES,
        UPDATES_SET_ASIDE,
    )
    for table, columns in CHANGEABLE.items():
        run(
            f"SELECT tenant.protect('{table}')",
            f"GRANT SELECT, INSERT, DELETE ON tenant.{table} TO skua_app",
        )
        if columns:
            run(f"GRANT UPDATE ({columns}) ON tenant.{table} TO skua_app")


def downgrade() -> None:
    run("DROP SCHEMA tenant CASCADE")
