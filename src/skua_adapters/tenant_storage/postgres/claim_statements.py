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
# ``put_back`` tells of the first row that was put back: it is due, it is behind the rest, or it
# comes due later.
LOCK_OPEN_ITEMS = text("""
    SELECT id, campaign_id, revision, status, paid, cursor, audience, pending, in_flight, resending,
        received, frozen_at IS NOT NULL AS frozen,
        (SELECT CASE WHEN d.due_at <= statement_timestamp() THEN 'due'
                WHEN d.due_at = 'infinity' THEN 'behind' ELSE 'later' END
            FROM tenant.deliveries d
            WHERE d.bot_id = :bot AND d.source_id = b.id AND d.status = 'pending'
                AND d.kind = 'broadcast' AND d.due_at IS NOT NULL
            ORDER BY d.due_at LIMIT 1) AS put_back
    FROM tenant.broadcasts b
    WHERE bot_id = :bot AND (status = 'sending' OR (status = 'cancelled' AND finished_at IS NULL))
    ORDER BY id FOR NO KEY UPDATE
""")

# Why a row isn't sent any more, of a subscriber ``s`` and a delivery in ``{row}``.
_SKIP = """
    CASE
        WHEN {row}.not_after <= clock_timestamp() THEN 'expired'
        WHEN s.chat_id IS NULL THEN 'erased'
        WHEN s.reach <> 'reachable' THEN 'unreachable'
        WHEN {row}.kind <> 'reply' AND NOT s.subscribed THEN 'unsubscribed'
    END
"""

# With a ``source`` that is known beforehand only its own partition is looked at.
_CLAIM = """
    UPDATE tenant.deliveries d
    SET status = CASE WHEN n.skip IS NOT NULL THEN 'skipped'
            WHEN n.wait_until IS NOT NULL THEN 'pending' ELSE 'in_flight'
            END::tenant.delivery_status,
        reason = CASE WHEN n.skip IS NOT NULL THEN n.skip
            WHEN n.refused OR n.wait_until IS NOT NULL THEN d.reason END,
        detail = CASE WHEN n.skip IS NULL AND (n.refused OR n.wait_until IS NOT NULL)
            THEN d.detail END,
        epoch = CAST(:epoch AS bigint),
        claimed_at = clock_timestamp(),
        finished_at = CASE WHEN n.skip IS NOT NULL THEN clock_timestamp() END,
        due_at = coalesce(n.wait_until, d.due_at),
        revision = CASE WHEN d.kind = 'broadcast' AND n.wait_until IS NULL
            THEN CAST(:revision AS int) ELSE d.revision END
    FROM next n
    WHERE d.bot_id = :bot AND d.source_id = {source} AND d.tableoid = n.part AND d.ctid = n.tid
    RETURNING d.source_id, d.position, d.status::text AS status, d.kind::text AS kind, d.attempt,
        d.migrated, d.revision, d.subscriber_id, n.chat_id, n.first_name, n.last_name, n.username,
        n.language, n.attributes::text AS attributes, n.campaign_id, n.paid, n.content, n.origin,
        n.refused, n.is_group, n.place
"""

_WAITING = f"""
        SELECT d.tableoid AS part, d.ctid AS tid, d.source_id, d.position, d.subscriber_id, d.kind,
            d.due_at, s.chat_id, s.first_name, s.last_name, s.username, s.language, s.attributes,
            s.kind = 'group' AS is_group, {_SKIP.format(row="d")} AS skip,
            CASE WHEN s.next_send_at > statement_timestamp() THEN s.next_send_at END AS wait_until,
            d.reason IS NOT NULL AND coalesce(
                d.kind <> 'broadcast' OR d.revision = CAST(:revision AS int), false) AS refused
        FROM tenant.deliveries d
        LEFT JOIN tenant.subscribers s ON s.bot_id = :bot AND s.id = d.subscriber_id
        WHERE d.bot_id = :bot AND d.status = 'pending' AND {{which}}
            AND NOT EXISTS (SELECT FROM unnest(CAST(:busy AS bigint[])) AS b WHERE b = s.chat_id)
        ORDER BY {{order}} LIMIT CAST(:candidates AS int)
"""  # noqa: S608 - made of the constants above

_DIRECT = "d.kind < 'broadcast' AND d.due_at <= statement_timestamp()"
_PUT_BACK = """d.kind = 'broadcast' AND d.source_id = :sending AND d.due_at <=
                CASE WHEN :behind THEN 'infinity'::timestamptz ELSE statement_timestamp() END"""

# Replies and tests first, then auto-messages, then what was put back; one per chat. Whoever has to
# wait for its chat takes nobody's room. The limits inside keep a claim's cost apart from the length
# of the queue.
CLAIM_DUE = text(f"""
    WITH waiting AS (
        ({_WAITING.format(which=_DIRECT, order="d.kind, d.due_at")})
        UNION ALL
        ({_WAITING.format(which=_PUT_BACK, order="d.due_at")})
    ), turns AS (
        SELECT *, row_number() OVER (PARTITION BY subscriber_id ORDER BY kind, due_at, source_id)
            AS turn
        FROM waiting
    ), ranked AS (
        SELECT *,
            row_number() OVER (PARTITION BY kind = 'broadcast', wait_until IS NULL
                ORDER BY kind, due_at, source_id, position) AS place,
            count(*) FILTER (WHERE kind < 'broadcast' AND wait_until IS NULL) OVER () AS direct
        FROM turns WHERE turn = 1 OR wait_until IS NOT NULL
    ), next AS (
        SELECT r.*, m.content, CAST(:campaign AS uuid) AS campaign_id,
            r.kind = 'broadcast' AND :paid AS paid,
            CASE WHEN m.campaign_id IS NOT NULL THEN json_build_object(
                'campaign_id', m.campaign_id, 'revision', m.revision, 'variant', m.variant,
                'auto_message_id', m.auto_message_id)::text END AS origin
        FROM ranked r
        LEFT JOIN tenant.direct_messages m
            ON m.bot_id = :bot AND m.id = r.source_id AND r.kind < 'broadcast'
        WHERE wait_until IS NOT NULL OR place <= CASE
            WHEN r.kind < 'broadcast' THEN CAST(:direct_room AS int)
            ELSE least(CAST(:put_back_room AS int),
                CAST(:room AS int) - least(r.direct, CAST(:direct_room AS int))) END
    )
    {_CLAIM.format(source="n.source_id")}
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
                AND b.resending = '{}'
            THEN 'completed' ELSE b.status END,
        finished_at = CASE
            WHEN b.status = 'sending' AND b.pending = m.skipped AND b.in_flight + m.claimed = 0
                AND b.resending = '{}'
            THEN clock_timestamp() ELSE b.finished_at END
    FROM moved m WHERE b.bot_id = :bot AND b.id = :sending
"""

# By position: searching for pending rows would wade through every row version that any open
# snapshot, such as a dump's, keeps alive.
CLAIM_NEXT = text(f"""
    WITH following AS MATERIALIZED (
        SELECT tableoid AS part, ctid AS tid, source_id, position, kind, not_after, subscriber_id
        FROM tenant.deliveries
        WHERE bot_id = :bot AND source_id = :sending AND position > :cursor AND position <= :last
            AND status = 'pending' AND due_at IS NULL
        ORDER BY position LIMIT CAST(:room AS int)
    ), next AS (
        SELECT f.*, s.chat_id, s.first_name, s.last_name, s.username, s.language, s.attributes,
            s.kind = 'group' AS is_group, {_SKIP.format(row="f")} AS skip,
            CASE WHEN s.next_send_at > statement_timestamp() THEN s.next_send_at
                WHEN s.chat_id = ANY(CAST(:busy_with_others AS bigint[]))
                THEN statement_timestamp() + interval '1 second' END AS wait_until,
            false AS refused, f.position AS place,
            CAST(:campaign AS uuid) AS campaign_id, CAST(:paid AS boolean) AS paid,
            NULL::text AS content, NULL::text AS origin
        FROM following f
        LEFT JOIN tenant.subscribers s ON s.bot_id = :bot AND s.id = f.subscriber_id
    ), following_claimed AS ({_CLAIM.format(source=":sending")}
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

# What is behind the rest comes due when ``:at_end``, and nothing before it, says so.
NEXT_DUE = text("""
    SELECT extract(epoch FROM least(
        (SELECT min(due_at) FROM tenant.deliveries
            WHERE bot_id = :bot AND status = 'pending' AND kind = 'reply' AND due_at IS NOT NULL),
        (SELECT min(due_at) FROM tenant.deliveries
            WHERE bot_id = :bot AND status = 'pending' AND kind = 'test' AND due_at IS NOT NULL),
        (SELECT min(due_at) FROM tenant.deliveries
            WHERE bot_id = :bot AND status = 'pending' AND kind = 'auto_message'
                AND due_at IS NOT NULL),
        (SELECT CASE WHEN due_at < 'infinity' THEN due_at WHEN :at_end THEN clock_timestamp() END
            FROM tenant.deliveries
            WHERE bot_id = :bot AND status = 'pending' AND kind = 'broadcast'
                AND source_id = :sending AND due_at IS NOT NULL
            ORDER BY due_at LIMIT 1)
    ) - clock_timestamp())::float8
""")

IN_FLIGHT = text("""
    SELECT d.source_id, d.position, d.status::text AS status, d.kind::text AS kind, d.attempt,
        d.migrated, d.revision, d.subscriber_id, s.chat_id, s.first_name, s.last_name, s.username,
        s.language, s.attributes::text AS attributes, b.campaign_id,
        coalesce(b.paid, false) AS paid, m.content,
        CASE WHEN m.campaign_id IS NOT NULL THEN json_build_object(
            'campaign_id', m.campaign_id, 'revision', m.revision, 'variant', m.variant,
            'auto_message_id', m.auto_message_id)::text END AS origin,
        d.reason IS NOT NULL AS refused, s.kind = 'group' AS is_group, 0 AS place
    FROM tenant.deliveries d
    LEFT JOIN tenant.subscribers s ON s.bot_id = :bot AND s.id = d.subscriber_id
    LEFT JOIN tenant.broadcasts b
        ON b.bot_id = :bot AND b.id = d.source_id AND d.kind = 'broadcast'
    LEFT JOIN tenant.direct_messages m ON m.bot_id = :bot AND m.id = d.source_id
    WHERE d.bot_id = :bot AND d.status = 'in_flight' AND d.epoch = :epoch
""")
