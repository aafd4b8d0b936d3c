"""Turns of many lanes in one call."""

from skua_adapters._sql.migrations.statements import run

revision = "0008"
down_revision = "0007"

# One lane after another, each inside its own bot: the function has no more rights than its caller,
# so row security lets it see nothing else. The order of locks is that of any turn (lane, bot, item,
# deliveries, subscribers by id), each in a statement of its own with a snapshot of its own; and the
# gates are passed over where somebody holds them, so that no lane waits for another's.
#
# Of each lane that was served comes one row about its broadcast, then one for each delivery. A lane
# whose row is held by somebody comes with nothing but its number; of one that needs more than is
# done here, nothing comes.
TAKE_TURNS = """
CREATE FUNCTION platform.take_turns(
    bots uuid[], leases uuid[], epochs bigint[], rooms integer[], answers_end integer[],
    learned_end integer[], busy_end integer[], sources uuid[], positions integer[],
    attempts smallint[], statuses text[], reasons text[], details text[], message_ids bigint[],
    retries float8[], learned_from integer[], learned_of uuid[], reaches text[],
    learned_at timestamptz[], busy bigint[], group_spacing float8
) RETURNS TABLE (
    lane integer, sealed_token text, campaign_id uuid, revision integer, paid boolean,
    received text[], source_id uuid, "position" integer, attempt smallint, migrated boolean,
    subscriber_id uuid, chat_id bigint, first_name text, last_name text, username text,
    language text, attributes text
)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    this_bot uuid;
    held record;
    gate record;
    open_item record;
    item record;
    items integer;
    first_answer integer;
    last_answer integer;
    first_learned integer;
    last_learned integer;
    settled integer[];
    learned uuid[];
    last_position integer;
    busy_chats bigint[];
BEGIN
    FOR this IN 1 .. cardinality(bots) LOOP
        this_bot := bots[this];
        first_answer := coalesce(answers_end[this - 1], 0) + 1;
        last_answer := answers_end[this];
        PERFORM set_config('skua.bot_id', this_bot::text, true);

        SELECT l.lease_id, l.not_before INTO held
        FROM platform.lanes AS l WHERE l.bot_id = this_bot FOR SHARE SKIP LOCKED;
        IF NOT FOUND THEN
            lane := this;
            sealed_token := NULL;
            RETURN NEXT;
            CONTINUE;
        END IF;
        CONTINUE WHEN held.lease_id IS DISTINCT FROM leases[this]
            OR held.not_before > clock_timestamp();

        SELECT s.sealed_token, (SELECT true FROM tenant.deliveries AS d
                WHERE d.bot_id = this_bot AND d.status = 'pending' AND d.kind < 'broadcast'
                    AND d.due_at <= statement_timestamp()
                ORDER BY d.kind, d.due_at LIMIT 1) AS direct_due
        INTO gate
        FROM platform.bots AS b, tenant.bot_secrets AS s
        WHERE b.id = this_bot AND s.bot_id = this_bot AND NOT b.read_only
            AND b.token_state = 'active' AND s.sealed_token IS NOT NULL
        FOR SHARE OF b SKIP LOCKED;
        CONTINUE WHEN NOT FOUND OR gate.direct_due;

        items := 0;
        FOR open_item IN
            SELECT b.id, b.campaign_id, b.revision, b.paid, b.cursor, b.received,
                b.status = 'sending' AND b.frozen_at IS NOT NULL AND b.resending = '{}'
                    AND b.cursor + rooms[this] < b.audience AS goes_on,
                (SELECT d.due_at FROM tenant.deliveries AS d
                    WHERE d.bot_id = this_bot AND d.source_id = b.id AND d.status = 'pending'
                        AND d.kind = 'broadcast' AND d.due_at IS NOT NULL
                    ORDER BY d.due_at LIMIT 1) <= clock_timestamp() AS put_back_due
            FROM tenant.broadcasts AS b
            WHERE b.bot_id = this_bot
                AND (b.status = 'sending' OR (b.status = 'cancelled' AND b.finished_at IS NULL))
            ORDER BY b.id FOR NO KEY UPDATE SKIP LOCKED
        LOOP
            items := items + 1;
            item := open_item;
        END LOOP;
        CONTINUE WHEN items <> 1;
        CONTINUE WHEN NOT item.goes_on OR item.put_back_due;
        CONTINUE WHEN item.id <> ANY (sources[first_answer:last_answer]);

        IF last_answer >= first_answer THEN
            WITH answer AS (
                SELECT a.* FROM unnest(
                    positions[first_answer:last_answer], attempts[first_answer:last_answer],
                    statuses[first_answer:last_answer], reasons[first_answer:last_answer],
                    details[first_answer:last_answer], message_ids[first_answer:last_answer],
                    retries[first_answer:last_answer]
                ) WITH ORDINALITY AS a(
                    position, attempt, status, reason, detail, message_id, retry_in, number)
            ), former AS MATERIALIZED (
                SELECT d.part, d.tid, d.status, a.message_id, a.number, a.retry_in,
                    a.status AS new_status,
                    CASE WHEN a.status <> 'pending' THEN a.reason
                        ELSE coalesce(a.reason, d.reason) END AS reason,
                    CASE WHEN a.status <> 'pending' OR a.reason IS NOT NULL THEN a.detail
                        ELSE d.detail END AS detail
                FROM answer AS a
                CROSS JOIN LATERAL (
                    SELECT tableoid AS part, ctid AS tid, status, attempt, epoch, reason, detail
                    FROM tenant.deliveries
                    WHERE bot_id = this_bot AND source_id = item.id
                        AND position >= a.position AND position <= a.position
                    ORDER BY position LIMIT 1 FOR NO KEY UPDATE
                ) AS d
                WHERE (d.attempt = a.attempt AND (
                        (d.status = 'in_flight' AND d.epoch = epochs[this])
                        OR (d.status = 'uncertain' AND a.status IN ('sent', 'failed'))))
                    OR (d.attempt > a.attempt AND d.status = 'pending' AND a.status = 'sent')
            ), recorded AS (
                UPDATE tenant.deliveries AS d
                SET status = f.new_status::tenant.delivery_status,
                    reason = f.reason,
                    detail = f.detail,
                    message_id = f.message_id,
                    due_at = CASE WHEN f.new_status <> 'pending' THEN d.due_at
                        ELSE clock_timestamp() + make_interval(secs => f.retry_in) END,
                    finished_at = CASE WHEN f.new_status <> 'pending' THEN clock_timestamp() END
                FROM former AS f
                WHERE d.bot_id = this_bot AND d.source_id = item.id
                    AND d.tableoid = f.part AND d.ctid = f.tid
                RETURNING f.status AS former, d.status, f.number
            ), moved AS (
                SELECT array_agg(number::integer) AS numbers,
                    (count(*) FILTER (WHERE status = 'pending')
                        - count(*) FILTER (WHERE former = 'pending'))::integer AS pending,
                    (count(*) FILTER (WHERE former = 'in_flight'))::integer AS was_in_flight,
                    (count(*) FILTER (WHERE former = 'uncertain'))::integer AS was_uncertain,
                    (count(*) FILTER (WHERE status = 'sent'))::integer AS sent,
                    (count(*) FILTER (WHERE status = 'failed'))::integer AS failed,
                    (count(*) FILTER (WHERE status = 'uncertain'))::integer AS uncertain
                FROM recorded
            ), counted AS (
                UPDATE tenant.broadcasts AS b
                SET pending = b.pending + m.pending,
                    in_flight = b.in_flight - m.was_in_flight,
                    sent = b.sent + m.sent,
                    failed = b.failed + m.failed,
                    uncertain = b.uncertain + m.uncertain - m.was_uncertain,
                    served_at = clock_timestamp()
                FROM moved AS m WHERE b.bot_id = this_bot AND b.id = item.id
            )
            SELECT m.numbers INTO settled FROM moved AS m;
        END IF;

        first_learned := coalesce(learned_end[this - 1], 0) + 1;
        last_learned := learned_end[this];
        IF last_learned >= first_learned THEN
            SELECT array_agg(l.subscriber_id) INTO learned
            FROM unnest(learned_from[first_learned:last_learned],
                learned_of[first_learned:last_learned]) AS l(answer, subscriber_id)
            WHERE l.answer - first_answer + 1 = ANY (settled);
            PERFORM 1 FROM tenant.subscribers AS s
            WHERE s.bot_id = this_bot AND s.id = ANY (learned)
            ORDER BY s.id FOR NO KEY UPDATE;
            UPDATE tenant.subscribers AS s
            SET reach = l.reach, reach_changed_at = date_trunc('second', l.at)
            FROM unnest(learned_of[first_learned:last_learned],
                reaches[first_learned:last_learned], learned_at[first_learned:last_learned]
            ) AS l(subscriber_id, reach, at)
            WHERE s.bot_id = this_bot AND s.id = l.subscriber_id AND s.id = ANY (learned)
                AND date_trunc('second', l.at) > s.reach_changed_at;
        END IF;

        last_position := item.cursor + rooms[this];
        busy_chats := busy[coalesce(busy_end[this - 1], 0) + 1 : busy_end[this]];
        lane := this;
        sealed_token := gate.sealed_token;
        campaign_id := item.campaign_id;
        revision := item.revision;
        paid := item.paid;
        received := item.received;
        source_id := NULL;
        RETURN NEXT;

        RETURN QUERY
        WITH following AS MATERIALIZED (
            SELECT tableoid AS part, ctid AS tid, position, not_after, subscriber_id
            FROM tenant.deliveries
            WHERE bot_id = this_bot AND source_id = item.id AND position > item.cursor
                AND position <= last_position AND status = 'pending' AND due_at IS NULL
            ORDER BY position LIMIT rooms[this]
        ), next AS (
            SELECT f.part, f.tid, s.chat_id, s.first_name, s.last_name, s.username, s.language,
                s.attributes, s.kind = 'group' AS is_group,
                CASE WHEN f.not_after <= clock_timestamp() THEN 'expired'
                    WHEN s.chat_id IS NULL THEN 'erased'
                    WHEN s.reach <> 'reachable' THEN 'unreachable'
                    WHEN NOT s.subscribed THEN 'unsubscribed' END AS skip,
                CASE WHEN s.next_send_at > clock_timestamp() THEN s.next_send_at
                    WHEN s.chat_id = ANY (busy_chats)
                    THEN clock_timestamp() + interval '1 second' END AS wait_until
            FROM following AS f
            LEFT JOIN tenant.subscribers AS s ON s.bot_id = this_bot AND s.id = f.subscriber_id
        ), claimed AS (
            UPDATE tenant.deliveries AS d
            SET status = CASE WHEN n.skip IS NOT NULL THEN 'skipped'
                    WHEN n.wait_until IS NOT NULL THEN 'pending'
                    ELSE 'in_flight' END::tenant.delivery_status,
                reason = CASE WHEN n.skip IS NOT NULL THEN n.skip
                    WHEN n.wait_until IS NOT NULL THEN d.reason END,
                detail = CASE WHEN n.skip IS NULL AND n.wait_until IS NOT NULL THEN d.detail END,
                epoch = epochs[this],
                claimed_at = clock_timestamp(),
                finished_at = CASE WHEN n.skip IS NOT NULL THEN clock_timestamp() END,
                due_at = CASE WHEN n.skip IS NULL THEN n.wait_until END,
                revision = CASE WHEN n.wait_until IS NULL THEN item.revision ELSE d.revision END
            FROM next AS n
            WHERE d.bot_id = this_bot AND d.source_id = item.id
                AND d.tableoid = n.part AND d.ctid = n.tid
            RETURNING d.status, d.position, d.attempt, d.migrated, d.subscriber_id, n.chat_id,
                n.first_name, n.last_name, n.username, n.language, n.attributes, n.is_group
        ), spaced AS (
            -- Positions rise with subscriber ids, so these locks are taken by id too.
            UPDATE tenant.subscribers AS s
            SET next_send_at = greatest(
                s.next_send_at, clock_timestamp() + make_interval(secs => group_spacing))
            FROM claimed AS c
            WHERE c.is_group AND c.status = 'in_flight'
                AND s.bot_id = this_bot AND s.id = c.subscriber_id
        ), counted AS (
            UPDATE tenant.broadcasts AS b
            SET cursor = last_position,
                pending = b.pending - m.claimed - m.skipped,
                in_flight = b.in_flight + m.claimed,
                skipped = b.skipped + m.skipped,
                served_at = clock_timestamp()
            FROM (
                SELECT (count(*) FILTER (WHERE status = 'in_flight'))::integer AS claimed,
                    (count(*) FILTER (WHERE status = 'skipped'))::integer AS skipped
                FROM claimed
            ) AS m
            WHERE b.bot_id = this_bot AND b.id = item.id
        )
        SELECT this, NULL::text, NULL::uuid, NULL::integer, NULL::boolean, NULL::text[], item.id,
            c.position, c.attempt, c.migrated, c.subscriber_id, c.chat_id, c.first_name,
            c.last_name, c.username, c.language, c.attributes::text
        FROM claimed AS c WHERE c.status = 'in_flight' ORDER BY c.position;
    END LOOP;
    PERFORM set_config('skua.bot_id', '', true);
END
$$
"""

SIGNATURE = (
    "platform.take_turns(uuid[], uuid[], bigint[], integer[], integer[], integer[], integer[],"
    " uuid[], integer[], smallint[], text[], text[], text[], bigint[], float8[], integer[],"
    " uuid[], text[], timestamptz[], bigint[], float8)"
)


def upgrade() -> None:
    run(
        TAKE_TURNS,
        f"REVOKE ALL ON FUNCTION {SIGNATURE} FROM PUBLIC",
        f"GRANT EXECUTE ON FUNCTION {SIGNATURE} TO skua_app",
    )


def downgrade() -> None:
    run(f"DROP FUNCTION {SIGNATURE}")
