"""The statements of a lane. Each names the bot, and runs under row security as well."""

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
        SET status = 'uncertain', reason = 'lane_taken_over', finished_at = clock_timestamp()
        WHERE bot_id = :bot AND status = 'in_flight'
        RETURNING source_id
    ), moved AS (
        SELECT source_id, count(*)::int AS n FROM stranded GROUP BY source_id
    ), counted AS (
        UPDATE tenant.broadcasts b
        SET in_flight = b.in_flight - m.n,
            uncertain = b.uncertain + m.n,
            status = CASE
                WHEN b.status = 'sending' AND b.frozen_at IS NOT NULL
                    AND b.pending = 0 AND b.in_flight = m.n THEN 'completed'
                ELSE b.status END,
            finished_at = CASE
                WHEN b.status IN ('sending', 'cancelled') AND b.frozen_at IS NOT NULL
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

SHARE_BOT = text("""
    SELECT NOT b.read_only AND b.token_state = 'active' AS may_send,
        (SELECT s.sealed_token FROM tenant.bot_secrets s WHERE s.bot_id = b.id) AS sealed_token
    FROM platform.bots b WHERE b.id = :bot FOR SHARE
""")

# Stronger than the gate's FOR SHARE: the claim moves the cursor and the counters of this row.
LOCK_OPEN_ITEMS = text("""
    SELECT id, campaign_id, revision, status, paid, cursor, audience, pending, in_flight,
        frozen_at IS NOT NULL AS frozen
    FROM tenant.broadcasts
    WHERE bot_id = :bot AND (status = 'sending' OR (status = 'cancelled' AND finished_at IS NULL))
    ORDER BY id FOR NO KEY UPDATE
""")

LOCK_ITEMS = text("""
    SELECT 1 FROM tenant.broadcasts
    WHERE bot_id = :bot AND id = ANY(:sources) ORDER BY id FOR NO KEY UPDATE
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
        epoch = :epoch,
        claimed_at = clock_timestamp(),
        finished_at = CASE WHEN {_REASON_AT_CLAIM} IS NOT NULL THEN clock_timestamp() END,
        due_at = CASE WHEN n.busy THEN clock_timestamp() + interval '1 second' ELSE d.due_at END,
        revision = CASE WHEN d.kind = 'broadcast' THEN :revision ELSE d.revision END
    FROM next n
    WHERE d.bot_id = :bot AND d.source_id = n.source_id AND d.position = n.position
    RETURNING d.source_id, d.position, d.status::text AS status, d.kind::text AS kind, d.attempt,
        d.migrated, d.revision, d.subscriber_id, n.chat_id, n.first_name, n.last_name, n.username,
        n.language, n.attributes::text AS attributes, n.campaign_id, n.paid, n.content, n.due_at
"""  # noqa: S608 - made of the constants above

# Replies and tests first, then auto-messages, then what was put back; one per chat.
CLAIM_DUE = text(f"""
    WITH waiting AS (
        SELECT d.source_id, d.position, d.subscriber_id, d.kind, d.due_at, d.not_after,
            s.chat_id, s.reach, s.subscribed, s.first_name, s.last_name, s.username, s.language,
            s.attributes,
            row_number() OVER (PARTITION BY d.subscriber_id ORDER BY d.kind, d.due_at, d.source_id)
                AS turn
        FROM tenant.deliveries d
        LEFT JOIN tenant.subscribers s ON s.bot_id = :bot AND s.id = d.subscriber_id
        WHERE d.bot_id = :bot AND d.status = 'pending' AND d.due_at <= clock_timestamp()
            AND (d.kind <> 'broadcast' OR d.source_id = :sending)
            AND NOT EXISTS (SELECT FROM unnest(CAST(:busy AS bigint[])) AS b WHERE b = s.chat_id)
    ), ranked AS (
        SELECT *, row_number() OVER (
            PARTITION BY kind = 'broadcast' ORDER BY kind, due_at, source_id, position) AS rank
        FROM waiting WHERE turn = 1
    ), next AS (
        SELECT r.*, false AS busy, m.content, CAST(:campaign AS uuid) AS campaign_id,
            r.kind = 'broadcast' AND :paid AS paid
        FROM ranked r
        LEFT JOIN tenant.direct_messages m
            ON m.bot_id = :bot AND m.id = r.source_id AND r.kind IN ('reply', 'test')
        WHERE rank <= CASE WHEN r.kind = 'broadcast' THEN :put_back_room ELSE :direct_room END
        ORDER BY r.kind, r.due_at LIMIT :room
    )
    {_CLAIM}
""")  # noqa: S608 - made of the constants above

# By position: searching for pending rows would wade through every row version that any open
# snapshot, such as a dump's, keeps alive.
CLAIM_NEXT = text(f"""
    WITH next AS (
        SELECT d.source_id, d.position, d.kind, d.due_at, d.not_after, s.chat_id, s.reach,
            s.subscribed, s.first_name, s.last_name, s.username, s.language, s.attributes,
            s.chat_id = ANY(CAST(:busy_with_others AS bigint[])) AS busy,
            CAST(:campaign AS uuid) AS campaign_id, CAST(:paid AS boolean) AS paid,
            NULL::text AS content
        FROM tenant.deliveries d
        LEFT JOIN tenant.subscribers s ON s.bot_id = :bot AND s.id = d.subscriber_id
        WHERE d.bot_id = :bot AND d.source_id = :sending AND d.status = 'pending'
            AND d.due_at IS NULL
            AND d.position > :cursor AND d.position <= :last
    )
    {_CLAIM}
""")  # noqa: S608 - made of the constants above

COUNT_CLAIM = text("""
    UPDATE tenant.broadcasts b
    SET cursor = :cursor,
        pending = b.pending - :claimed - :skipped,
        in_flight = b.in_flight + :claimed,
        skipped = b.skipped + :skipped,
        served_at = clock_timestamp(),
        status = CASE
            WHEN b.status = 'sending' AND b.pending = :skipped AND b.in_flight + :claimed = 0
            THEN 'completed' ELSE b.status END,
        finished_at = CASE
            WHEN b.status = 'sending' AND b.pending = :skipped AND b.in_flight + :claimed = 0
            THEN clock_timestamp() ELSE b.finished_at END
    WHERE b.bot_id = :bot AND b.id = :sending
""")

NEXT_DUE = text("""
    SELECT extract(epoch FROM min(due_at) - clock_timestamp())::float8
    FROM tenant.deliveries
    WHERE bot_id = :bot AND status = 'pending' AND due_at IS NOT NULL
        AND (kind <> 'broadcast' OR source_id = :sending)
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

# What is in flight under this lease, and what is uncertain and gets a definite answer late.
SETTLE = text("""
    WITH answer AS (
        SELECT * FROM unnest(
            CAST(:sources AS uuid[]), CAST(:positions AS int[]), CAST(:attempts AS smallint[]),
            CAST(:statuses AS text[]), CAST(:reasons AS text[]), CAST(:details AS text[]),
            CAST(:message_ids AS bigint[]), CAST(:retries AS float8[])
        ) WITH ORDINALITY AS a(
            source_id, position, attempt, status, reason, detail, message_id, retry_in, number)
    ), former AS (
        SELECT d.source_id, d.position, d.status, a.detail, a.message_id, a.retry_in, a.number,
            CASE WHEN a.status = 'pending' AND b.status = 'cancelled'
                THEN 'skipped' ELSE a.status END AS new_status,
            CASE WHEN a.status = 'pending' AND b.status = 'cancelled'
                THEN 'cancelled' ELSE a.reason END AS reason
        FROM tenant.deliveries d
        JOIN answer a ON a.source_id = d.source_id AND a.position = d.position
            AND a.attempt = d.attempt
        LEFT JOIN tenant.broadcasts b ON b.bot_id = :bot AND b.id = d.source_id
        WHERE d.bot_id = :bot AND (
            (d.status = 'in_flight' AND d.epoch = :epoch)
            OR (d.status = 'uncertain' AND a.status IN ('sent', 'failed')))
        FOR NO KEY UPDATE OF d
    ), settled AS (
        UPDATE tenant.deliveries d
        SET status = f.new_status::tenant.delivery_status,
            reason = f.reason,
            detail = f.detail,
            message_id = f.message_id,
            due_at = CASE WHEN f.new_status = 'pending'
                THEN clock_timestamp() + make_interval(secs => f.retry_in) ELSE d.due_at END,
            finished_at = CASE WHEN f.new_status <> 'pending' THEN clock_timestamp() END
        FROM former f
        WHERE d.bot_id = :bot AND d.source_id = f.source_id AND d.position = f.position
        RETURNING d.source_id, f.status AS former, d.status, f.number
    ), moved AS (
        SELECT source_id,
            (count(*) FILTER (WHERE status = 'pending'))::int AS pending,
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
                WHEN b.status = 'sending' AND b.pending + m.pending = 0
                    AND b.in_flight = m.was_in_flight THEN 'completed'
                ELSE b.status END,
            finished_at = CASE
                WHEN b.status IN ('sending', 'cancelled') AND b.pending + m.pending = 0
                    AND b.in_flight = m.was_in_flight THEN clock_timestamp()
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

CHAT_OF = text("SELECT chat_id FROM tenant.subscribers WHERE bot_id = :bot AND id = :id")

SUBSCRIBER_OF = text("SELECT id FROM tenant.subscribers WHERE bot_id = :bot AND chat_id = :chat")

IN_AUDIENCE = text("""
    SELECT EXISTS (SELECT FROM tenant.deliveries
        WHERE bot_id = :bot AND source_id = :source AND subscriber_id = :id)
""")

MARK_MIGRATED = text("""
    UPDATE tenant.deliveries SET migrated = true, subscriber_id = :id
    WHERE bot_id = :bot AND source_id = :source AND position = :position
""")

SKIP_DUPLICATE = text("""
    WITH skipped AS (
        UPDATE tenant.deliveries
        SET status = 'skipped', reason = 'duplicate', finished_at = clock_timestamp()
        WHERE bot_id = :bot AND source_id = :source AND position = :position
            AND status = 'pending'
        RETURNING source_id
    )
    UPDATE tenant.broadcasts b
    SET pending = b.pending - 1,
        skipped = b.skipped + 1,
        status = CASE WHEN b.status = 'sending' AND b.pending = 1 AND b.in_flight = 0
            THEN 'completed' ELSE b.status END,
        finished_at = CASE WHEN b.status = 'sending' AND b.pending = 1 AND b.in_flight = 0
            THEN clock_timestamp() ELSE b.finished_at END
    FROM skipped s WHERE b.bot_id = :bot AND b.id = s.source_id
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
