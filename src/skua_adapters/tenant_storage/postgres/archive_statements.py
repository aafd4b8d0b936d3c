"""Writing the totals of what is over beside the counters, so that its rows may go."""

from sqlalchemy import text

# Only while the counters equal the rows, for afterwards nobody can tell any more.
ARCHIVE = text("""
    WITH outcomes AS MATERIALIZED (
        SELECT status, reason, count(*) AS number FROM tenant.deliveries
        WHERE bot_id = :bot AND source_id = :id GROUP BY status, reason
    ), reasons AS (
        SELECT reason, sum(number) AS number FROM outcomes WHERE reason IS NOT NULL GROUP BY reason
    )
    UPDATE tenant.broadcasts b
    SET archived_at = clock_timestamp(),
        archived_reasons = (
            SELECT coalesce(jsonb_object_agg(reason, number), '{}') FROM reasons)
    WHERE b.bot_id = :bot AND b.id = :id AND b.archived_at IS NULL
        AND b.status IN ('completed', 'cancelled') AND b.finished_at IS NOT NULL
        AND (b.pending, b.in_flight, b.sent, b.failed, b.skipped, b.uncertain, b.audience) = (
            SELECT 0, 0, coalesce(sum(number) FILTER (WHERE status = 'sent'), 0),
                coalesce(sum(number) FILTER (WHERE status = 'failed'), 0),
                coalesce(sum(number) FILTER (WHERE status = 'skipped'), 0),
                coalesce(sum(number) FILTER (WHERE status = 'uncertain'), 0),
                coalesce(sum(number), 0)
            FROM outcomes)
    RETURNING true
""")
