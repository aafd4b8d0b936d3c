"""What recording asks and marks. Each statement names the bot, and runs under row security as well.

Rows are found and changed as in ``claim_statements``, and for the same reason.
"""

from sqlalchemy import text

LOCK_ITEMS = text("""
    SELECT 1 FROM tenant.broadcasts
    WHERE bot_id = :bot AND id = ANY(:sources) ORDER BY id FOR NO KEY UPDATE
""")

# What is in flight under this lease, what is uncertain and gets a definite answer late, and what
# was made pending again and turns out to have arrived. A wait without end puts a row behind the
# rest of its broadcast.
SETTLE = text("""
    WITH answer AS (
        SELECT * FROM unnest(
            CAST(:sources AS uuid[]), CAST(:positions AS int[]), CAST(:attempts AS smallint[]),
            CAST(:statuses AS text[]), CAST(:reasons AS text[]), CAST(:details AS text[]),
            CAST(:message_ids AS bigint[]), CAST(:retries AS float8[])
        ) WITH ORDINALITY AS a(
            source_id, position, attempt, status, reason, detail, message_id, retry_in, number)
    ), former AS MATERIALIZED (
        SELECT d.part, d.tid, d.source_id, d.status, a.message_id, a.number,
            CASE WHEN a.retry_in < 'Infinity' OR d.kind = 'broadcast'
                THEN a.retry_in ELSE 0 END AS retry_in,
            CASE WHEN a.status = 'pending' AND b.status = 'cancelled'
                THEN 'skipped' ELSE a.status END AS new_status,
            CASE WHEN a.status <> 'pending' THEN a.reason
                WHEN b.status = 'cancelled' THEN 'cancelled'
                ELSE coalesce(a.reason, d.reason) END AS reason,
            CASE WHEN a.status <> 'pending' THEN a.detail
                WHEN b.status = 'cancelled' THEN NULL
                WHEN a.reason IS NULL THEN d.detail ELSE a.detail END AS detail
        FROM answer a
        CROSS JOIN LATERAL (
            SELECT tableoid AS part, ctid AS tid, source_id, kind, status, attempt, epoch, reason,
                detail
            FROM tenant.deliveries
            WHERE bot_id = :bot AND source_id = a.source_id
                AND position >= a.position AND position <= a.position
            ORDER BY position LIMIT 1 FOR NO KEY UPDATE
        ) d
        LEFT JOIN tenant.broadcasts b ON b.bot_id = :bot AND b.id = d.source_id
        WHERE (d.attempt = a.attempt AND (
                (d.status = 'in_flight' AND d.epoch = :epoch)
                OR (d.status = 'uncertain' AND a.status IN ('sent', 'failed'))))
            OR (d.attempt > a.attempt AND d.status = 'pending' AND a.status = 'sent')
    ), settled AS (
        UPDATE tenant.deliveries d
        SET status = f.new_status::tenant.delivery_status,
            reason = f.reason,
            detail = f.detail,
            message_id = f.message_id,
            due_at = CASE WHEN f.new_status <> 'pending' THEN d.due_at
                WHEN f.retry_in < 'Infinity'
                THEN clock_timestamp() + make_interval(secs => f.retry_in)
                ELSE 'infinity' END,
            finished_at = CASE WHEN f.new_status <> 'pending' THEN clock_timestamp() END
        FROM former f
        WHERE d.bot_id = :bot AND d.source_id = f.source_id
            AND d.tableoid = f.part AND d.ctid = f.tid
        RETURNING d.source_id, f.status AS former, d.status, f.number
    ), moved AS (
        SELECT source_id,
            (count(*) FILTER (WHERE status = 'pending')
                - count(*) FILTER (WHERE former = 'pending'))::int AS pending,
            (count(*) FILTER (WHERE former = 'in_flight'))::int AS was_in_flight,
            (count(*) FILTER (WHERE former = 'uncertain'))::int AS was_uncertain,
            (count(*) FILTER (WHERE status = 'sent'))::int AS sent,
            (count(*) FILTER (WHERE status = 'failed'))::int AS failed,
            (count(*) FILTER (WHERE status = 'skipped'))::int AS skipped,
            (count(*) FILTER (WHERE status = 'uncertain'))::int AS uncertain
        FROM settled GROUP BY source_id
    ), counted AS (
        UPDATE tenant.broadcasts b
        SET pending = b.pending + m.pending,
            in_flight = b.in_flight - m.was_in_flight,
            sent = b.sent + m.sent,
            failed = b.failed + m.failed,
            skipped = b.skipped + m.skipped,
            uncertain = b.uncertain + m.uncertain - m.was_uncertain,
            served_at = clock_timestamp(),
            status = CASE
                WHEN b.status = 'sending' AND b.resending = '{}' AND b.pending + m.pending = 0
                    AND b.in_flight = m.was_in_flight THEN 'completed'
                ELSE b.status END,
            finished_at = CASE
                WHEN (b.status = 'cancelled' OR (b.status = 'sending' AND b.resending = '{}'))
                    AND b.pending + m.pending = 0 AND b.in_flight = m.was_in_flight
                THEN clock_timestamp()
                ELSE b.finished_at END
        FROM moved m WHERE b.bot_id = :bot AND b.id = m.source_id
    )
    SELECT number::int FROM settled
""")

LOCK_SUBSCRIBERS = text("""
    SELECT 1 FROM tenant.subscribers
    WHERE bot_id = :bot AND id = ANY(:ids) ORDER BY id FOR NO KEY UPDATE
""")

# The rule of Subscriber.refuse: only what happened in an earlier second is older for certain.
CHANGE_REACH = text("""
    UPDATE tenant.subscribers s
    SET reach = e.reach, reach_changed_at = date_trunc('second', e.at)
    FROM unnest(CAST(:ids AS uuid[]), CAST(:reaches AS text[]), CAST(:times AS timestamptz[]))
        AS e(id, reach, at)
    WHERE s.bot_id = :bot AND s.id = e.id AND date_trunc('second', e.at) > s.reach_changed_at
""")

DELAY_CHATS = text("""
    UPDATE tenant.subscribers s
    SET next_send_at = greatest(
        s.next_send_at, clock_timestamp() + make_interval(secs => w.seconds))
    FROM unnest(CAST(:ids AS uuid[]), CAST(:waits AS float8[])) AS w(id, seconds)
    WHERE s.bot_id = :bot AND s.id = w.id
""")

CHAT_OF = text("SELECT chat_id FROM tenant.subscribers WHERE bot_id = :bot AND id = :id")

MARK_MIGRATED = text("""
    UPDATE tenant.deliveries SET migrated = true
    WHERE bot_id = :bot AND source_id = :source AND position = :position
""")

NOTE_RECEIVED = text("""
    WITH broadcast AS (
        UPDATE tenant.broadcasts SET received = array_append(received, CAST(:wording AS text))
        WHERE bot_id = :bot AND id = :item AND NOT received @> ARRAY[CAST(:wording AS text)]
    )
    UPDATE tenant.auto_messages SET received = array_append(received, CAST(:wording AS text))
    WHERE bot_id = :bot AND id = :item AND NOT received @> ARRAY[CAST(:wording AS text)]
""")
