"""Months of everything that grows without end, and what may be dropped of them."""

from skua_adapters._sql.migrations.statements import run
from skua_adapters._sql.migrations.versions import v0002_tenant, v0003_deliveries, v0006_engine

revision = "0009"
down_revision = "0008"

# Each with its key, and with what tells a row's month: the id of the source it came from, which
# begins with its time, or a column.
PARTITIONED = {
    "delivery_attempts": ("bot_id, source_id, position, attempt", "source_id"),
    "direct_messages": ("bot_id, id", "id"),
    "updates": ("bot_id, update_id, month", "month"),
    "updates_set_aside": ("bot_id, id, month", "month"),
}
THIS_MONTH = "(date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC'))::date"

# Tables by month, in the order in which they are dropped: what belongs to a delivery before it.
MONTHLY_TABLES = """
CREATE FUNCTION tenant.monthly_tables()
RETURNS TABLE (number integer, parent text, by_id boolean)
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    VALUES (1, 'delivery_attempts', true), (2, 'direct_messages', true), (3, 'deliveries', true),
        (4, 'updates', false), (5, 'updates_set_aside', false)
$$
"""

# As version 3 made it, for all of them; one partition each time, so that no transaction locks two
# tables that others lock in some order. How many it made: 1, or 0 when none is missing.
ENSURE_PARTITIONS = """
CREATE OR REPLACE FUNCTION tenant.ensure_partitions(months_ahead integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    this_month constant timestamp := date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC');
    monthly record;
    starts timestamp;
    ends timestamp;
    partition text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('tenant.ensure_partitions', 0));
    FOR monthly IN
        SELECT m.parent, m.by_id, this_month + make_interval(months => ahead) AS starts
        FROM tenant.monthly_tables() AS m, generate_series(0, least(months_ahead, 24)) AS ahead
        ORDER BY m.number, ahead
    LOOP
        starts := monthly.starts;
        ends := starts + interval '1 month';
        partition := monthly.parent || '_' || to_char(starts, 'YYYY_MM');
        CONTINUE WHEN to_regclass('tenant.' || partition) IS NOT NULL;
        BEGIN
            EXECUTE format('CREATE TABLE tenant.%I (LIKE tenant.%I INCLUDING DEFAULTS)',
                           partition, monthly.parent);
            PERFORM tenant.protect(partition);
            EXECUTE format(
                'ALTER TABLE tenant.%I ATTACH PARTITION tenant.%I FOR VALUES FROM (%L) TO (%L)',
                monthly.parent,
                partition,
                CASE WHEN monthly.by_id THEN tenant.first_id(starts)::text
                    ELSE starts::date::text END,
                CASE WHEN monthly.by_id THEN tenant.first_id(ends)::text
                    ELSE ends::date::text END);
            RETURN 1;
        EXCEPTION WHEN check_violation THEN
            RAISE NOTICE 'rows of % are in the default partition', partition;
        END;
    END LOOP;
    RETURN 0;
END
$$
"""

# One update is one row of its month, so two at once meet in the index. Only near the end of a month
# they could come into two months: there they take turns, the lock in a statement of its own, so
# that the next one sees what it waited for. No transaction is open for longer than that minute.
RECORD_UPDATE = """
CREATE FUNCTION tenant.record_update(bot uuid, number bigint, at timestamptz) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    utc constant timestamp := at AT TIME ZONE 'UTC';
    this_month constant date := date_trunc('month', utc);
BEGIN
    IF date_trunc('month', utc - interval '1 minute') <> this_month
        OR date_trunc('month', utc + interval '1 minute') <> this_month
    THEN
        PERFORM pg_advisory_xact_lock(
            hashtextextended(concat('skua.update:', bot, ':', number), 0));
    END IF;
    IF EXISTS (
        SELECT FROM tenant.updates AS u
        WHERE u.bot_id = bot AND u.update_id = number
            AND u.month IN ((this_month - interval '1 month')::date,
                            (this_month + interval '1 month')::date)
    ) THEN
        RETURN false;
    END IF;
    INSERT INTO tenant.updates (bot_id, update_id, received_at, month)
    VALUES (bot, number, at, this_month) ON CONFLICT DO NOTHING;
    RETURN FOUND;
END
$$
"""

BROADCASTS_TO_ARCHIVE = """
CREATE FUNCTION platform.broadcasts_to_archive(keep_months integer, following uuid, at_most integer)
RETURNS TABLE (bot_id uuid, broadcast_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT b.bot_id, b.id FROM tenant.broadcasts AS b
    WHERE b.id < tenant.first_id(date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC')
            - make_interval(months => greatest(keep_months, 1)))
        AND (following IS NULL OR b.id > following)
        AND b.status IN ('completed', 'cancelled') AND b.finished_at IS NOT NULL
        AND b.archived_at IS NULL
    ORDER BY b.id LIMIT at_most;
END
$$
"""

# Whether nothing of the sources in a range of ids is ever looked at again. A direct message that
# has expired isn't sent any more, whether or not somebody comes to say so. Pending rows of a
# broadcast aren't looked for: one that has any isn't archived.
MONTH_IS_DONE = """
CREATE FUNCTION platform.month_is_done(first uuid, next uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
BEGIN
    RETURN NOT EXISTS (
        SELECT FROM tenant.broadcasts AS b
        WHERE b.id >= first AND b.id < next AND b.archived_at IS NULL
    ) AND NOT EXISTS (
        SELECT FROM tenant.deliveries AS d
        WHERE d.source_id >= first AND d.source_id < next AND d.status = 'in_flight'
    ) AND NOT EXISTS (
        SELECT FROM tenant.deliveries AS d
        WHERE d.source_id >= first AND d.source_id < next
            AND d.status = 'pending' AND d.kind <> 'broadcast'
            AND (d.not_after IS NULL OR d.not_after > clock_timestamp())
    );
END
$$
"""

# One partition each time, as above. Whoever uses the table meanwhile waits as long as this does:
# two seconds at most.
DROP_OLD_PARTITION = r"""
CREATE FUNCTION tenant.drop_old_partition(keep_deliveries integer, keep_updates integer)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    this_month constant timestamp := date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC');
    old record;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('tenant.ensure_partitions', 0));
    FOR old IN
        SELECT c.relname, m.by_id, to_date(right(c.relname, 7), 'YYYY_MM')::timestamp AS starts
        FROM tenant.monthly_tables() AS m
        JOIN pg_inherits AS i ON i.inhparent = to_regclass('tenant.' || m.parent)
        JOIN pg_class AS c ON c.oid = i.inhrelid AND c.relname ~ '_\d{4}_\d{2}$'
        ORDER BY starts, m.number
    LOOP
        CONTINUE WHEN old.starts >= this_month - make_interval(months => greatest(
            CASE WHEN old.by_id THEN keep_deliveries ELSE keep_updates END, 1));
        CONTINUE WHEN old.by_id AND NOT platform.month_is_done(
            tenant.first_id(old.starts), tenant.first_id(old.starts + interval '1 month'));
        EXECUTE format('DROP TABLE tenant.%I', old.relname);
        RETURN old.relname;
    END LOOP;
    RETURN NULL;
END
$$
"""

OF_THE_CLOCK = {
    "platform.broadcasts_to_archive(integer, uuid, integer)": "skua_app",
    "platform.month_is_done(uuid, uuid)": "skua_owner",
}


def upgrade() -> None:
    run(
        "ALTER TABLE tenant.broadcasts ADD archived_at timestamptz, ADD archived_reasons jsonb",
        "GRANT UPDATE (archived_at, archived_reasons) ON tenant.broadcasts TO skua_app",
        MONTHLY_TABLES,
        ENSURE_PARTITIONS,
        "REVOKE ALL ON FUNCTION tenant.monthly_tables() FROM PUBLIC",
    )
    for table, (key, month_of) in PARTITIONED.items():
        by_column = f", month date NOT NULL DEFAULT {THIS_MONTH}" if month_of == "month" else ""
        _set_aside(table)
        run(
            f"CREATE TABLE tenant.{table} (LIKE tenant.{table}_former INCLUDING DEFAULTS{by_column}"
            f", CONSTRAINT {table}_pkey PRIMARY KEY ({key})) PARTITION BY RANGE ({month_of})",
            f"CREATE TABLE tenant.{table}_default PARTITION OF tenant.{table} DEFAULT",
            f"SELECT tenant.protect('{table}_default')",
        )
    # Before the rows come, or those of this month would be in the default partitions for good.
    run("DO $$BEGIN WHILE tenant.ensure_partitions(1) > 0 LOOP END LOOP; END$$")
    for table, (_, month_of) in PARTITIONED.items():
        month = ", (date_trunc('month', received_at AT TIME ZONE 'UTC'))::date"
        rows = f"SELECT *{month if month_of == 'month' else ''} FROM tenant.{table}_former"  # noqa: S608 - names of ours
        _take_back(table, f"INSERT INTO tenant.{table} {rows}")
    run(
        RECORD_UPDATE,
        "REVOKE ALL ON FUNCTION tenant.record_update(uuid, bigint, timestamptz) FROM PUBLIC",
        "GRANT EXECUTE ON FUNCTION tenant.record_update(uuid, bigint, timestamptz) TO skua_app",
    )
    _make_clock_functions()
    run(
        DROP_OLD_PARTITION,
        "REVOKE ALL ON FUNCTION tenant.drop_old_partition(integer, integer) FROM PUBLIC",
        "GRANT EXECUTE ON FUNCTION tenant.drop_old_partition(integer, integer) TO skua_app",
    )


def _make_clock_functions() -> None:
    run(
        "GRANT EXECUTE ON FUNCTION tenant.first_id(timestamp) TO skua_clock",
        "GRANT SELECT (archived_at) ON tenant.broadcasts TO skua_clock",
        "GRANT SELECT (source_id, not_after) ON tenant.deliveries TO skua_clock",
        "GRANT CREATE ON SCHEMA platform TO skua_clock",
        "SET LOCAL ROLE skua_clock",
        BROADCASTS_TO_ARCHIVE,
        MONTH_IS_DONE,
    )
    for function, role in OF_THE_CLOCK.items():
        run(
            f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC",
            f"GRANT EXECUTE ON FUNCTION {function} TO {role}",
        )
    run("RESET ROLE", "REVOKE CREATE ON SCHEMA platform FROM skua_clock")


def downgrade() -> None:
    run(
        "DROP FUNCTION tenant.drop_old_partition(integer, integer)",
        *(f"DROP FUNCTION {function}" for function in OF_THE_CLOCK),
        "REVOKE SELECT (source_id, not_after) ON tenant.deliveries FROM skua_clock",
        "REVOKE SELECT (archived_at) ON tenant.broadcasts FROM skua_clock",
        "REVOKE EXECUTE ON FUNCTION tenant.first_id(timestamp) FROM skua_clock",
        "DROP FUNCTION tenant.record_update(uuid, bigint, timestamptz)",
    )
    former = {
        "delivery_attempts": (v0006_engine.DELIVERY_ATTEMPTS,),
        "direct_messages": (v0002_tenant.DIRECT_MESSAGES, v0006_engine.DIRECT_MESSAGE_ORIGINS),
        "updates": (v0002_tenant.UPDATES,),
        "updates_set_aside": (v0002_tenant.UPDATES_SET_ASIDE,),
    }
    for table, statements in former.items():
        _set_aside(table)
        run(*statements)
        columns = {
            "updates": "bot_id, update_id, received_at",
            "updates_set_aside": "bot_id, id, update_id, raw, problem, received_at",
        }.get(table, "*")
        _take_back(
            table,
            f"INSERT INTO tenant.{table} SELECT {columns} FROM tenant.{table}_former"  # noqa: S608 - names of ours
            " ON CONFLICT DO NOTHING",
        )
    run(
        v0003_deliveries.ENSURE_PARTITIONS.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"),
        "DROP FUNCTION tenant.monthly_tables()",
        "ALTER TABLE tenant.broadcasts DROP archived_at, DROP archived_reasons",
    )


def _set_aside(table: str) -> None:
    """Make room for another table of that name. The owner sees no row until force is lifted."""
    run(
        f"ALTER TABLE tenant.{table} RENAME TO {table}_former",
        f"ALTER TABLE tenant.{table}_former DROP CONSTRAINT {table}_pkey",
        f"ALTER TABLE tenant.{table}_former NO FORCE ROW LEVEL SECURITY",
    )


def _take_back(table: str, copy: str) -> None:
    """Copy the rows, and let the application in."""
    run(
        copy,
        f"DROP TABLE tenant.{table}_former",
        f"SELECT tenant.protect('{table}')",
        f"GRANT SELECT, INSERT, DELETE ON tenant.{table} TO skua_app",
    )
