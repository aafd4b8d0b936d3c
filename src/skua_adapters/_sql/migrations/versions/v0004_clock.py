"""Due work over all bots: ids and times only, through functions of a role of their own.

A definer function of the tables' owner would see nothing, for row security is forced.
"""

from skua_adapters._sql.migrations.statements import run

revision = "0004"
down_revision = "0003"

# Walks the small partial indexes from bot to bot, so its cost follows the bots that have work, not
# their rows. Sequential scans are off because fresh tables have no statistics to choose by.
DUE_LANES = """
CREATE FUNCTION platform.due_lanes(at_most integer, takeover interval, future interval)
RETURNS SETOF uuid
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
    this_moment constant timestamptz := clock_timestamp();
BEGIN
    RETURN QUERY
    WITH RECURSIVE in_flight (bot_id) AS (
        (SELECT d.bot_id FROM tenant.deliveries AS d
         WHERE d.status = 'in_flight' ORDER BY d.bot_id LIMIT 1)
        UNION ALL
        SELECT (SELECT d.bot_id FROM tenant.deliveries AS d
                WHERE d.status = 'in_flight' AND d.bot_id > f.bot_id ORDER BY d.bot_id LIMIT 1)
        FROM in_flight AS f WHERE f.bot_id IS NOT NULL
    ),
    direct (bot_id) AS (
        (SELECT d.bot_id FROM tenant.deliveries AS d
         WHERE d.status = 'pending' AND d.kind <> 'broadcast' ORDER BY d.bot_id LIMIT 1)
        UNION ALL
        SELECT (SELECT d.bot_id FROM tenant.deliveries AS d
                WHERE d.status = 'pending' AND d.kind <> 'broadcast' AND d.bot_id > f.bot_id
                ORDER BY d.bot_id LIMIT 1)
        FROM direct AS f WHERE f.bot_id IS NOT NULL
    ),
    work (bot_id, since, even_if_closed) AS (
        SELECT f.bot_id, NULL::timestamptz, true FROM in_flight AS f WHERE f.bot_id IS NOT NULL
        UNION ALL
        SELECT b.bot_id, coalesce(b.served_at, b.created_at), false FROM tenant.broadcasts AS b
        WHERE b.status = 'sending' OR (b.status = 'cancelled' AND b.finished_at IS NULL)
        UNION ALL
        SELECT f.bot_id, first.due_at, false
        FROM direct AS f
        CROSS JOIN LATERAL (
            SELECT d.due_at FROM tenant.deliveries AS d
            WHERE d.bot_id = f.bot_id AND d.status = 'pending' AND d.kind <> 'broadcast'
              AND d.due_at <= this_moment
            ORDER BY d.kind, d.due_at LIMIT 1
        ) AS first
    )
    SELECT w.bot_id
    FROM work AS w
    JOIN platform.lanes AS l ON l.bot_id = w.bot_id
    JOIN platform.bots AS b ON b.id = w.bot_id
    WHERE (l.lease_id IS NULL OR l.heartbeat_at IS NULL
           OR l.heartbeat_at < this_moment - takeover OR l.heartbeat_at > this_moment + future)
      AND (w.even_if_closed
           OR (NOT b.read_only AND b.token_state = 'active'
               AND (l.not_before IS NULL OR l.not_before <= this_moment)))
    GROUP BY w.bot_id
    ORDER BY min(coalesce(w.since, l.heartbeat_at)) NULLS FIRST, w.bot_id
    LIMIT at_most;
END
$$
"""

UNSERVED_BROADCASTS = """
CREATE FUNCTION platform.unserved_broadcasts(for_longer_than interval, future interval)
RETURNS TABLE (bot_id uuid, broadcast_id uuid)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
    this_moment constant timestamptz := clock_timestamp();
BEGIN
    RETURN QUERY
    SELECT s.bot_id, s.id
    FROM tenant.broadcasts AS s
    JOIN platform.lanes AS l ON l.bot_id = s.bot_id
    JOIN platform.bots AS b ON b.id = s.bot_id
    WHERE s.status = 'sending' AND NOT b.read_only AND b.token_state = 'active'
      AND greatest(
              coalesce(s.served_at, s.created_at),
              CASE WHEN l.heartbeat_at <= this_moment + future THEN l.heartbeat_at END,
              l.not_before
          ) < this_moment - for_longer_than
    ORDER BY s.bot_id;
END
$$
"""


def upgrade() -> None:
    run(
        "GRANT USAGE ON SCHEMA platform, tenant TO skua_clock",
        "GRANT SELECT (bot_id, lease_id, heartbeat_at, not_before) ON platform.lanes TO skua_clock",
        "GRANT SELECT (id, read_only, token_state) ON platform.bots TO skua_clock",
        "GRANT SELECT (bot_id, id, status, served_at, created_at, finished_at)"
        " ON tenant.broadcasts TO skua_clock",
        "GRANT SELECT (bot_id, kind, status, due_at) ON tenant.deliveries TO skua_clock",
        "CREATE POLICY clock ON tenant.broadcasts FOR SELECT TO skua_clock USING (true)",
        "CREATE POLICY clock ON tenant.deliveries FOR SELECT TO skua_clock USING (true)",
        # Functions belong to whoever creates them, who needs leave to do so for that long.
        "GRANT CREATE ON SCHEMA platform TO skua_clock",
        "SET LOCAL ROLE skua_clock",
        DUE_LANES,
        UNSERVED_BROADCASTS,
        "REVOKE ALL ON FUNCTION platform.due_lanes(integer, interval, interval) FROM PUBLIC",
        "REVOKE ALL ON FUNCTION platform.unserved_broadcasts(interval, interval) FROM PUBLIC",
        "GRANT EXECUTE ON FUNCTION platform.due_lanes(integer, interval, interval) TO skua_app",
        "GRANT EXECUTE ON FUNCTION platform.unserved_broadcasts(interval, interval) TO skua_app",
        "RESET ROLE",
        "REVOKE CREATE ON SCHEMA platform FROM skua_clock",
    )


def downgrade() -> None:
    run(
        "DROP FUNCTION platform.unserved_broadcasts(interval, interval)",
        "DROP FUNCTION platform.due_lanes(integer, interval, interval)",
        "DROP POLICY clock ON tenant.deliveries",
        "DROP POLICY clock ON tenant.broadcasts",
        "REVOKE ALL ON ALL TABLES IN SCHEMA platform, tenant FROM skua_clock",
        "REVOKE USAGE ON SCHEMA platform, tenant FROM skua_clock",
    )
