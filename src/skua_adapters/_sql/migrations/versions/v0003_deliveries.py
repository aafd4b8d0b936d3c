"""The ledger: deliveries, partitioned by the month in which their source began."""

from skua_adapters._sql.migrations.statements import run

revision = "0003"
down_revision = "0002"

# No id of its own and no foreign keys: each would double the cost of freezing an audience.
DELIVERIES = """
CREATE TABLE tenant.deliveries (
    bot_id uuid,
    source_id uuid,
    position integer,
    subscriber_id uuid NOT NULL,
    kind tenant.delivery_kind NOT NULL,
    status tenant.delivery_status NOT NULL DEFAULT 'pending',
    attempt smallint NOT NULL DEFAULT 1,
    migrated boolean NOT NULL DEFAULT false,
    revision integer,
    epoch bigint,
    message_id bigint,
    due_at timestamptz,
    not_after timestamptz,
    claimed_at timestamptz,
    finished_at timestamptz,
    reason text,
    detail text,
    CONSTRAINT deliveries_pkey PRIMARY KEY (bot_id, source_id, position),
    CONSTRAINT deliveries_subscriber UNIQUE (bot_id, source_id, subscriber_id)
) PARTITION BY RANGE (source_id)
"""

IN_FLIGHT = """
CREATE INDEX deliveries_in_flight ON tenant.deliveries (bot_id)
WHERE status = 'in_flight'
"""

# In the order in which they leave. A broadcast's rows are found by its cursor instead.
DIRECT = """
CREATE INDEX deliveries_direct ON tenant.deliveries (bot_id, kind, due_at)
WHERE status = 'pending' AND kind <> 'broadcast'
"""

# By source, so that the put-back rows of a paused broadcast don't stand in the running one's way.
PUT_BACK = """
CREATE INDEX deliveries_put_back ON tenant.deliveries (bot_id, source_id, due_at)
WHERE status = 'pending' AND kind = 'broadcast' AND due_at IS NOT NULL
"""

# A source's id begins with its time in milliseconds, so a month is a range of ids. Attaching takes
# its short lock on the whole table only where it must; what holds it up is tried again later, for
# the months are made ahead. A month whose first rows already lie in the default partition stays
# there. The application has no rights on a partition: it can only come through the parent.
ENSURE_PARTITIONS = """
CREATE FUNCTION tenant.ensure_partitions(months_ahead integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    this_month constant timestamp := date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC');
    starts timestamp;
    partition text;
    made integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('tenant.ensure_partitions', 0));
    FOR ahead IN 0 .. least(months_ahead, 24) LOOP
        starts := this_month + make_interval(months => ahead);
        partition := 'deliveries_' || to_char(starts, 'YYYY_MM');
        CONTINUE WHEN to_regclass('tenant.' || partition) IS NOT NULL;
        BEGIN
            EXECUTE format('CREATE TABLE tenant.%I (LIKE tenant.deliveries INCLUDING DEFAULTS)',
                           partition);
            PERFORM tenant.protect(partition);
            EXECUTE format(
                'ALTER TABLE tenant.deliveries ATTACH PARTITION tenant.%I '
                'FOR VALUES FROM (%L) TO (%L)',
                partition,
                tenant.first_id(starts),
                tenant.first_id(starts + interval '1 month'));
            made := made + 1;
        EXCEPTION WHEN check_violation THEN
            RAISE NOTICE 'rows of % are in the default partition', partition;
        END;
    END LOOP;
    RETURN made;
END
$$
"""

FIRST_ID = """
CREATE FUNCTION tenant.first_id(starts timestamp) RETURNS uuid
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT rpad(lpad(to_hex((extract(epoch FROM starts) * 1000)::bigint), 12, '0'), 32, '0')::uuid
$$
"""


def upgrade() -> None:
    run(
        "CREATE TYPE tenant.delivery_kind AS ENUM ('reply', 'test', 'auto_message', 'broadcast')",
        "CREATE TYPE tenant.delivery_status AS ENUM"
        " ('pending', 'in_flight', 'sent', 'failed', 'skipped', 'uncertain')",
        DELIVERIES,
        IN_FLIGHT,
        DIRECT,
        PUT_BACK,
        "SELECT tenant.protect('deliveries')",
        "GRANT SELECT, INSERT, DELETE, UPDATE (subscriber_id, status, attempt, migrated, revision,"
        " epoch, message_id, due_at, not_after, claimed_at, finished_at, reason, detail)"
        " ON tenant.deliveries TO skua_app",
        "CREATE TABLE tenant.deliveries_default PARTITION OF tenant.deliveries DEFAULT",
        "SELECT tenant.protect('deliveries_default')",
        FIRST_ID,
        ENSURE_PARTITIONS,
        "REVOKE ALL ON FUNCTION tenant.first_id(timestamp) FROM PUBLIC",
        "REVOKE ALL ON FUNCTION tenant.ensure_partitions(integer) FROM PUBLIC",
        "GRANT EXECUTE ON FUNCTION tenant.ensure_partitions(integer) TO skua_app",
    )


def downgrade() -> None:
    run(
        "DROP FUNCTION tenant.ensure_partitions(integer)",
        "DROP FUNCTION tenant.first_id(timestamp)",
        "DROP TABLE tenant.deliveries",
        "DROP TYPE tenant.delivery_status",
        "DROP TYPE tenant.delivery_kind",
    )
