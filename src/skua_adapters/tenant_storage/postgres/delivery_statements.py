"""Set-based statements over deliveries. Each names the bot, and runs under row security as well."""

from sqlalchemy import text

# Two who freeze at once: the second does nothing, instead of a million rows that can't be kept.
TRY_FREEZE_LOCK = text("""
    SELECT pg_try_advisory_xact_lock(hashtextextended(concat('skua.freeze:', CAST(:id AS uuid)), 0))
""")

# After the lock, so that it sees what the former holder of it committed.
MAY_FREEZE = text("""
    SELECT status = 'sending' AND frozen_at IS NULL FROM tenant.broadcasts
    WHERE bot_id = :bot AND id = :id
""")

# One statement, hence one snapshot: whoever isn't written is counted, and nobody is both. The
# index on (bot_id, status, id) brings the active ones in their order without sorting them.
FREEZE = text("""
    WITH frozen AS (
        INSERT INTO tenant.deliveries (bot_id, source_id, position, subscriber_id, kind)
        SELECT :bot, :id, row_number() OVER (ORDER BY id), id, 'broadcast'
        FROM tenant.subscribers WHERE bot_id = :bot AND status = 'active'
    )
    SELECT status, count(*)::int AS number FROM tenant.subscribers WHERE bot_id = :bot
    GROUP BY status
""")

# At the end, so that a pause needn't wait for the rows above: it finds the broadcast unfrozen.
LOCK_BROADCAST = text("""
    SELECT status, cursor, audience, pending, in_flight, resending, resend_cursor
    FROM tenant.broadcasts
    WHERE bot_id = :bot AND id = :id FOR NO KEY UPDATE
""")

FINISH_FREEZE = text("""
    UPDATE tenant.broadcasts
    SET audience = :audience, pending = :audience, excluded = CAST(:excluded AS jsonb),
        frozen_at = clock_timestamp(),
        status = CASE WHEN :audience = 0 THEN 'completed' ELSE status END,
        changed_at = CASE WHEN :audience = 0 THEN clock_timestamp() ELSE changed_at END,
        finished_at = CASE WHEN :audience = 0 THEN clock_timestamp() END
    WHERE bot_id = :bot AND id = :id
""")

ENQUEUE_DIRECT = text("""
    WITH message AS (
        INSERT INTO tenant.direct_messages (bot_id, id, content, campaign_id, revision, variant,
            auto_message_id, created_at)
        VALUES (:bot, :id, :content, :campaign, :revision, :variant, :auto_message,
            clock_timestamp())
    )
    INSERT INTO tenant.deliveries
        (bot_id, source_id, position, subscriber_id, kind, due_at, not_after)
    VALUES (:bot, :id, 1, :subscriber, CAST(:kind AS tenant.delivery_kind), clock_timestamp(),
        clock_timestamp() + make_interval(secs => :lifetime))
""")

# By address and in an index's order, as claims do (ADR 0006).
_CANCEL = """
    WITH waiting AS MATERIALIZED (
        SELECT tableoid AS part, ctid AS tid FROM tenant.deliveries
        WHERE bot_id = :bot AND source_id = :id AND status = 'pending' AND kind = 'broadcast'
            AND {which}
        ORDER BY {order} LIMIT CAST(:limit AS int)
    ), cancelled AS (
        UPDATE tenant.deliveries d
        SET status = 'skipped', reason = 'cancelled', detail = NULL,
            finished_at = clock_timestamp()
        FROM waiting w
        WHERE d.bot_id = :bot AND d.source_id = :id AND d.tableoid = w.part AND d.ctid = w.tid
        RETURNING 1
    )
    SELECT count(*)::int FROM cancelled
"""

CANCEL_PUT_BACK = text(_CANCEL.format(which="due_at IS NOT NULL", order="due_at"))

# By position: a search for pending rows would pass the cancelled ones each time.
CANCEL_NEXT = text(
    _CANCEL.format(which="position > :cursor AND position <= :last", order="position")
)

COUNT_CANCELLED = text("""
    UPDATE tenant.broadcasts
    SET cursor = :cursor, pending = pending - :cancelled, skipped = skipped + :cancelled,
        finished_at = CASE WHEN finished_at IS NULL AND pending = :cancelled AND in_flight = 0
            THEN clock_timestamp() ELSE finished_at END
    WHERE bot_id = :bot AND id = :id
""")

SEND_AGAIN = text("""
    WITH former AS MATERIALIZED (
        SELECT tableoid AS part, ctid AS tid, position, attempt, status, reason, detail, message_id,
            finished_at
        FROM tenant.deliveries
        WHERE bot_id = :bot AND source_id = :id AND position > :cursor AND position <= :last
            AND status = ANY(CAST(:outcomes AS tenant.delivery_status[]))
        ORDER BY position LIMIT CAST(:limit AS int)
    ), kept AS (
        INSERT INTO tenant.delivery_attempts
            (bot_id, source_id, position, attempt, status, reason, detail, message_id, finished_at)
        SELECT :bot, :id, position, attempt, status, reason, detail, message_id, finished_at
        FROM former
    ), again AS (
        UPDATE tenant.deliveries d
        SET status = 'pending', attempt = d.attempt + 1, migrated = false, reason = NULL,
            detail = NULL, message_id = NULL, finished_at = NULL, due_at = clock_timestamp()
        FROM former f
        WHERE d.bot_id = :bot AND d.source_id = :id AND d.tableoid = f.part AND d.ctid = f.tid
        RETURNING f.status
    )
    SELECT status::text AS status, count(*)::int AS number FROM again GROUP BY status
""")

_IS_OVER = """NOT CAST(:more AS boolean) AND status = 'sending' AND in_flight = 0
            AND pending + :failed + :uncertain = 0"""

COUNT_RESENT = text(f"""
    UPDATE tenant.broadcasts
    SET pending = pending + :failed + :uncertain,
        failed = failed - :failed,
        uncertain = uncertain - :uncertain,
        resend_cursor = CASE WHEN :more THEN :last ELSE 0 END,
        resending = CASE WHEN :more THEN resending ELSE '{{}}' END,
        status = CASE WHEN {_IS_OVER} THEN 'completed' ELSE status END,
        changed_at = CASE WHEN {_IS_OVER} THEN clock_timestamp() ELSE changed_at END,
        finished_at = CASE WHEN {_IS_OVER} THEN clock_timestamp() ELSE finished_at END
    WHERE bot_id = :bot AND id = :id
""")  # noqa: S608 - made of the constants above

RECIPIENTS = text("""
    SELECT d.position, d.subscriber_id, s.chat_id, d.status::text AS status, d.reason, d.detail,
        d.attempt, d.message_id, d.finished_at
    FROM tenant.deliveries d
    LEFT JOIN tenant.subscribers s ON s.bot_id = :bot AND s.id = d.subscriber_id
    WHERE d.bot_id = :bot AND d.source_id = :id AND d.kind = 'broadcast'
    ORDER BY d.position
""")

COUNTS_HOLD = text("""
    SELECT b.archived_at IS NOT NULL
        OR (b.pending, b.in_flight, b.sent, b.failed, b.skipped, b.uncertain, b.audience) = (
        SELECT count(*) FILTER (WHERE status = 'pending'),
            count(*) FILTER (WHERE status = 'in_flight'),
            count(*) FILTER (WHERE status = 'sent'),
            count(*) FILTER (WHERE status = 'failed'),
            count(*) FILTER (WHERE status = 'skipped'),
            count(*) FILTER (WHERE status = 'uncertain'),
            count(*)
        FROM tenant.deliveries WHERE bot_id = :bot AND source_id = :id)
    FROM tenant.broadcasts b WHERE b.bot_id = :bot AND b.id = :id
""")
