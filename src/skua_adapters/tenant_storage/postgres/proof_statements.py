"""What proves late whether a message arrived, and what came of it. Each statement names the bot."""

from sqlalchemy import text

# Looked up beforehand, so that a row is found by the whole of its key (ADR 0006); and so is each
# broadcast, which is what the LIMIT in a join is for.
_WHOSE = "(SELECT id FROM tenant.subscribers WHERE bot_id = :bot AND chat_id = :chat)"

UNPROVEN = text(f"""
    SELECT b.id AS source_id, b.campaign_id, d.revision, d.attempt, d.claimed_at, d.finished_at
    FROM (
        SELECT id, campaign_id FROM tenant.broadcasts
        WHERE bot_id = :bot AND uncertain > 0 AND archived_at IS NULL
        ORDER BY id DESC LIMIT CAST(:sources AS int)
    ) b
    CROSS JOIN LATERAL (
        SELECT * FROM tenant.deliveries
        WHERE bot_id = :bot AND source_id = b.id AND subscriber_id = {_WHOSE}
            AND status = 'uncertain'
        LIMIT 1
    ) d
    ORDER BY b.id DESC
""")  # noqa: S608 - made of the constants above

_PROVABLE = f"""d.bot_id = :bot AND d.source_id = :source AND d.subscriber_id = {_WHOSE}
            AND (d.status = 'uncertain' OR (d.status = 'pending' AND d.attempt > 1))
            AND NOT EXISTS (
                SELECT FROM tenant.broadcasts a
                WHERE a.bot_id = :bot AND a.id = :source AND a.archived_at IS NOT NULL)"""

# Asked before anything is locked, because almost every press is of a message that is sent already.
IS_PROVABLE = text(f"SELECT true FROM tenant.deliveries d WHERE {_PROVABLE}")  # noqa: S608 - made of the constant above

PROVE = text(f"""
    WITH former AS MATERIALIZED (
        SELECT d.status FROM tenant.deliveries d WHERE {_PROVABLE} FOR NO KEY UPDATE
    ), proven AS (
        UPDATE tenant.deliveries d
        SET status = 'sent', reason = NULL, detail = NULL, message_id = :message,
            finished_at = clock_timestamp()
        FROM former f
        WHERE d.bot_id = :bot AND d.source_id = :source AND d.subscriber_id = {_WHOSE}
        RETURNING f.status
    ), moved AS (
        SELECT (count(*) FILTER (WHERE status = 'pending'))::int AS pending,
            (count(*) FILTER (WHERE status = 'uncertain'))::int AS uncertain
        FROM proven
    ), counted AS (
        UPDATE tenant.broadcasts b
        SET pending = b.pending - m.pending,
            uncertain = b.uncertain - m.uncertain,
            sent = b.sent + m.pending + m.uncertain,
            status = CASE
                WHEN b.status = 'sending' AND b.resending = '{{}}' AND b.pending = m.pending
                    AND b.in_flight = 0 THEN 'completed'
                ELSE b.status END,
            finished_at = CASE
                WHEN b.finished_at IS NULL AND b.pending = m.pending AND b.in_flight = 0
                    AND (b.status = 'cancelled' OR (b.status = 'sending' AND b.resending = '{{}}'))
                THEN clock_timestamp()
                ELSE b.finished_at END
        FROM moved m WHERE b.bot_id = :bot AND b.id = :source
    )
    SELECT count(*)::int FROM proven
""")  # noqa: S608 - made of the constants above

# The broadcast that was received last, whether or not this block was counted for it already. One
# that is being sent comes first, and Telegram's dates are whole seconds.
RECEIVED_LAST = text(f"""
    SELECT b.id
    FROM tenant.broadcasts b
    CROSS JOIN LATERAL (
        SELECT status, finished_at FROM tenant.deliveries
        WHERE bot_id = :bot AND source_id = b.id AND subscriber_id = {_WHOSE} LIMIT 1
    ) d
    WHERE b.bot_id = :bot
        AND (b.finished_at IS NULL OR b.finished_at > clock_timestamp() - interval '1 day')
        AND d.status = 'sent'
        AND d.finished_at <= CAST(:at AS timestamptz) + interval '1 second'
    ORDER BY b.status = 'sending' DESC, b.id DESC LIMIT 1
""")  # noqa: S608 - made of the constants above

COUNT_BLOCK = text(f"""
    WITH blocked AS (
        UPDATE tenant.deliveries
        SET reason = 'blocked_after'
        WHERE bot_id = :bot AND source_id = :source AND subscriber_id = {_WHOSE}
            AND status = 'sent' AND reason IS NULL
        RETURNING 1
    )
    UPDATE tenant.broadcasts SET blocks = blocks + 1
    WHERE bot_id = :bot AND id = :source AND EXISTS (SELECT FROM blocked)
    RETURNING id
""")  # noqa: S608 - made of the constants above
