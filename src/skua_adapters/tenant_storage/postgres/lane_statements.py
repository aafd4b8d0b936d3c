"""Taking, holding and freeing a lane. Each statement names the bot."""

from sqlalchemy import text

# Acquire: FOR UPDATE waits for every claim and record of the former holder.
LANE_IS_FREE = text("""
    SELECT lease_id IS NULL
        OR heartbeat_at IS NULL
        OR heartbeat_at < clock_timestamp() - make_interval(secs => :takeover)
        OR heartbeat_at > clock_timestamp() + make_interval(secs => :future)
    FROM platform.lanes WHERE bot_id = :bot FOR UPDATE
""")

TAKE_LANE = text("""
    UPDATE platform.lanes
    SET lease_id = :lease, holder = :holder, epoch = epoch + 1, heartbeat_at = clock_timestamp()
    WHERE bot_id = :bot
    RETURNING epoch, learned_rate,
        extract(epoch FROM not_before - clock_timestamp())::float8 AS wait
""")

LOCK_ITEMS_IN_FLIGHT = text("""
    SELECT 1 FROM tenant.broadcasts
    WHERE bot_id = :bot AND in_flight > 0 ORDER BY id FOR NO KEY UPDATE
""")

# A statement of its own: within the one above it would not see what it had waited for.
STRAND_IN_FLIGHT = text("""
    WITH stranded AS (
        UPDATE tenant.deliveries
        SET status = 'uncertain', reason = 'lane_taken_over', detail = NULL,
            finished_at = clock_timestamp()
        WHERE bot_id = :bot AND status = 'in_flight'
        RETURNING source_id
    ), moved AS (
        SELECT source_id, count(*)::int AS n FROM stranded GROUP BY source_id
    ), counted AS (
        UPDATE tenant.broadcasts b
        SET in_flight = b.in_flight - m.n,
            uncertain = b.uncertain + m.n,
            status = CASE
                WHEN b.status = 'sending' AND b.frozen_at IS NOT NULL AND b.resending = '{}'
                    AND b.pending = 0 AND b.in_flight = m.n THEN 'completed'
                ELSE b.status END,
            finished_at = CASE
                WHEN b.frozen_at IS NOT NULL AND (b.status = 'cancelled'
                        OR (b.status = 'sending' AND b.resending = '{}'))
                    AND b.pending = 0 AND b.in_flight = m.n THEN clock_timestamp()
                ELSE b.finished_at END
        FROM moved m WHERE b.bot_id = :bot AND b.id = m.source_id
    )
    SELECT count(*)::int FROM stranded
""")

SHARE_LANE = text("""
    SELECT greatest(0, coalesce(extract(epoch FROM not_before - clock_timestamp()), 0))::float8
        AS wait
    FROM platform.lanes WHERE bot_id = :bot AND lease_id = :lease FOR SHARE
""")

# A pause holds whoever heard of it: Telegram's word is about the token, not about a lease.
HOLD_LANE = text("""
    UPDATE platform.lanes
    SET not_before = CASE WHEN CAST(:wait AS float8) IS NULL THEN not_before ELSE greatest(
            not_before, clock_timestamp() + make_interval(secs => CAST(:wait AS float8))) END,
        learned_rate = CASE WHEN lease_id = :lease
            THEN coalesce(CAST(:rate AS float8), learned_rate) ELSE learned_rate END
    WHERE bot_id = :bot
""")

RELEASE_LANE = text("""
    UPDATE platform.lanes SET lease_id = NULL, holder = NULL, heartbeat_at = NULL
    WHERE bot_id = :bot AND lease_id = :lease
""")
