"""What a claim asks and marks. Each statement names the bot, and runs under row security as well.

Sources hold one row or a million, so no statistics tell what a look-up by source costs, and two
indexes begin with it. Rows are therefore asked for in the order of the index that is meant, and
changed by their physical address.
"""

from sqlalchemy import text

SHARE_BOT = text("""
    SELECT NOT b.read_only AND b.token_state = 'active' AS may_send,
        (SELECT s.sealed_token FROM tenant.bot_secrets s WHERE s.bot_id = b.id) AS sealed_token,
        (SELECT true FROM tenant.deliveries d
            WHERE d.bot_id = :bot AND d.status = 'pending' AND d.kind < 'broadcast'
                AND d.due_at <= statement_timestamp()
            ORDER BY d.kind, d.due_at LIMIT 1) AS direct_due
    FROM platform.bots b WHERE b.id = :bot FOR SHARE
""")

# Stronger than the gate's FOR SHARE: the claim moves the cursor and the counters of this row.
LOCK_OPEN_ITEMS = text("""
    SELECT id, campaign_id, revision, status, paid, cursor, audience, pending, in_flight,
        frozen_at IS NOT NULL AS frozen,
        (SELECT true FROM tenant.deliveries d
            WHERE d.bot_id = :bot AND d.source_id = b.id AND d.status = 'pending'
                AND d.kind = 'broadcast' AND d.due_at <= statement_timestamp()
            ORDER BY d.due_at LIMIT 1) AS put_back_due
    FROM tenant.broadcasts b
    WHERE bot_id = :bot AND (status = 'sending' OR (status = 'cancelled' AND finished_at IS NULL))
    ORDER BY id FOR NO KEY UPDATE
""")

_STATE_AT_CLAIM = """
    CASE
        WHEN n.not_after <= clock_timestamp() THEN 'skipped'
        WHEN n.chat_id IS NULL THEN 'skipped'
        WHEN n.reach <> 'reachable' THEN 'skipped'
        WHEN n.kind <> 'reply' AND NOT n.subscribed THEN 'skipped'
        WHEN coalesce(n.busy, false) THEN 'pending'
        ELSE 'in_flight'
    END::tenant.delivery_status
"""

_REASON_AT_CLAIM = """
    CASE
        WHEN n.not_after <= clock_timestamp() THEN 'expired'
        WHEN n.chat_id IS NULL THEN 'erased'
        WHEN n.reach <> 'reachable' THEN 'unreachable'
        WHEN n.kind <> 'reply' AND NOT n.subscribed THEN 'unsubscribed'
    END
"""

_CLAIM = f"""
    UPDATE tenant.deliveries d
    SET status = {_STATE_AT_CLAIM},
        reason = {_REASON_AT_CLAIM},
        epoch = CAST(:epoch AS bigint),
        claimed_at = clock_timestamp(),
        finished_at = CASE WHEN {_REASON_AT_CLAIM} IS NOT NULL THEN clock_timestamp() END,
        due_at = CASE WHEN n.busy THEN clock_timestamp() + interval '1 second' ELSE d.due_at END,
        revision = CASE WHEN d.kind = 'broadcast' THEN CAST(:revision AS int) ELSE d.revision END
    FROM next n
    WHERE d.bot_id = :bot AND d.source_id = n.source_id AND d.tableoid = n.part AND d.ctid = n.tid
    RETURNING d.source_id, d.position, d.status::text AS status, d.kind::text AS kind, d.attempt,
        d.migrated, d.revision, d.subscriber_id, n.chat_id, n.first_name, n.last_name, n.username,
        n.language, n.attributes::text AS attributes, n.campaign_id, n.paid, n.content, n.due_at
"""  # noqa: S608 - made of the constants above

_WAITING = """
        SELECT d.tableoid AS part, d.ctid AS tid, d.source_id, d.position, d.subscriber_id, d.kind,
            d.due_at, d.not_after, s.chat_id, s.reach, s.subscribed, s.first_name, s.last_name,
            s.username, s.language, s.attributes
        FROM tenant.deliveries d
        LEFT JOIN tenant.subscribers s ON s.bot_id = :bot AND s.id = d.subscriber_id
        WHERE d.bot_id = :bot AND d.status = 'pending' AND d.due_at <= statement_timestamp()
            AND {which}
            AND NOT EXISTS (SELECT FROM unnest(CAST(:busy AS bigint[])) AS b WHERE b = s.chat_id)
        ORDER BY {order} LIMIT CAST(:candidates AS int)
"""

# Replies and tests first, then auto-messages, then what was put back; one per chat. The limits
# inside keep a claim's cost apart from the length of the queue.
CLAIM_DUE = text(f"""
    WITH waiting AS (
        ({_WAITING.format(which="d.kind < 'broadcast'", order="d.kind, d.due_at")})
        UNION ALL
        ({
    _WAITING.format(which="d.kind = 'broadcast' AND d.source_id = :sending", order="d.due_at")
})
    ), turns AS (
        SELECT *, row_number() OVER (PARTITION BY subscriber_id ORDER BY kind, due_at, source_id)
            AS turn
        FROM waiting
    ), ranked AS (
        SELECT *, row_number() OVER (
            PARTITION BY kind = 'broadcast' ORDER BY kind, due_at, source_id, position) AS place
        FROM turns WHERE turn = 1
    ), next AS (
        SELECT r.*, false AS busy, m.content, CAST(:campaign AS uuid) AS campaign_id,
            r.kind = 'broadcast' AND :paid AS paid
        FROM ranked r
        LEFT JOIN tenant.direct_messages m
            ON m.bot_id = :bot AND m.id = r.source_id AND r.kind IN ('reply', 'test')
        WHERE place <= CASE WHEN r.kind = 'broadcast'
            THEN CAST(:put_back_room AS int) ELSE CAST(:direct_room AS int) END
        ORDER BY r.kind, r.due_at LIMIT CAST(:room AS int)
    )
    {_CLAIM}
""")  # noqa: S608 - made of the constants above

_COUNT = """
    UPDATE tenant.broadcasts b
    SET cursor = :last,
        pending = b.pending - m.claimed - m.skipped,
        in_flight = b.in_flight + m.claimed,
        skipped = b.skipped + m.skipped,
        served_at = clock_timestamp(),
        status = CASE
            WHEN b.status = 'sending' AND b.pending = m.skipped AND b.in_flight + m.claimed = 0
            THEN 'completed' ELSE b.status END,
        finished_at = CASE
            WHEN b.status = 'sending' AND b.pending = m.skipped AND b.in_flight + m.claimed = 0
            THEN clock_timestamp() ELSE b.finished_at END
    FROM moved m WHERE b.bot_id = :bot AND b.id = :sending
"""

# By position: searching for pending rows would wade through every row version that any open
# snapshot, such as a dump's, keeps alive.
CLAIM_NEXT = text(f"""
    WITH following AS MATERIALIZED (
        SELECT tableoid AS part, ctid AS tid, source_id, position, kind, due_at, not_after,
            subscriber_id
        FROM tenant.deliveries
        WHERE bot_id = :bot AND source_id = :sending AND position > :cursor AND position <= :last
            AND status = 'pending' AND due_at IS NULL
        ORDER BY position LIMIT CAST(:room AS int)
    ), next AS (
        SELECT f.*, s.chat_id, s.reach, s.subscribed, s.first_name, s.last_name, s.username,
            s.language, s.attributes,
            s.chat_id = ANY(CAST(:busy_with_others AS bigint[])) AS busy,
            CAST(:campaign AS uuid) AS campaign_id, CAST(:paid AS boolean) AS paid,
            NULL::text AS content
        FROM following f
        LEFT JOIN tenant.subscribers s ON s.bot_id = :bot AND s.id = f.subscriber_id
    ), following_claimed AS ({_CLAIM}
    ), moved AS (
        SELECT
            (:claimed + count(*) FILTER (WHERE status = 'in_flight'))::int AS claimed,
            (:skipped + count(*) FILTER (WHERE status = 'skipped'))::int AS skipped
        FROM following_claimed
    ), counted AS ({_COUNT})
    SELECT * FROM following_claimed
""")  # noqa: S608 - made of the constants above

# When nothing follows: what was put back counts all the same, and may have been the last.
COUNT_CLAIM = text(f"""
    WITH moved AS (
        SELECT CAST(:claimed AS int) AS claimed, CAST(:skipped AS int) AS skipped
    )
    {_COUNT}
""")

NEXT_DUE = text("""
    SELECT extract(epoch FROM least(
        (SELECT min(due_at) FROM tenant.deliveries
            WHERE bot_id = :bot AND status = 'pending' AND kind = 'reply' AND due_at IS NOT NULL),
        (SELECT min(due_at) FROM tenant.deliveries
            WHERE bot_id = :bot AND status = 'pending' AND kind = 'test' AND due_at IS NOT NULL),
        (SELECT min(due_at) FROM tenant.deliveries
            WHERE bot_id = :bot AND status = 'pending' AND kind = 'auto_message'
                AND due_at IS NOT NULL),
        (SELECT min(due_at) FROM tenant.deliveries
            WHERE bot_id = :bot AND status = 'pending' AND kind = 'broadcast'
                AND source_id = :sending AND due_at IS NOT NULL)
    ) - clock_timestamp())::float8
""")

IN_FLIGHT = text("""
    SELECT d.source_id, d.position, d.status::text AS status, d.kind::text AS kind, d.attempt,
        d.migrated, d.revision, d.subscriber_id, s.chat_id, s.first_name, s.last_name, s.username,
        s.language, s.attributes::text AS attributes, b.campaign_id,
        coalesce(b.paid, false) AS paid, m.content, d.due_at
    FROM tenant.deliveries d
    LEFT JOIN tenant.subscribers s ON s.bot_id = :bot AND s.id = d.subscriber_id
    LEFT JOIN tenant.broadcasts b
        ON b.bot_id = :bot AND b.id = d.source_id AND d.kind = 'broadcast'
    LEFT JOIN tenant.direct_messages m ON m.bot_id = :bot AND m.id = d.source_id
    WHERE d.bot_id = :bot AND d.status = 'in_flight' AND d.epoch = :epoch
""")
