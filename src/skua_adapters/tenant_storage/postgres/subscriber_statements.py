"""The one statement over subscribers that is too large for the ORM."""

from sqlalchemy import text

# Under row security COPY is refused; this is what comes closest.
ADD_MANY = text("""
    WITH added AS (
        INSERT INTO tenant.subscribers (bot_id, id, chat_id, kind, first_name, last_name, username,
            language, attributes, tags, source, subscribed, subscribed_changed_at, reach,
            reach_changed_at, joined_at, last_seen_at)
        SELECT :bot, id, chat_id, kind, first_name, last_name, username, language,
            attributes::jsonb, ARRAY(SELECT jsonb_array_elements_text(tags::jsonb)), source,
            subscribed, subscribed_changed_at, reach, reach_changed_at, joined_at, last_seen_at
        FROM unnest(
            CAST(:id AS uuid[]), CAST(:chat_id AS bigint[]), CAST(:kind AS text[]),
            CAST(:first_name AS text[]), CAST(:last_name AS text[]), CAST(:username AS text[]),
            CAST(:language AS text[]), CAST(:attributes AS text[]), CAST(:tags AS text[]),
            CAST(:source AS text[]), CAST(:subscribed AS boolean[]),
            CAST(:subscribed_changed_at AS timestamptz[]), CAST(:reach AS text[]),
            CAST(:reach_changed_at AS timestamptz[]), CAST(:joined_at AS timestamptz[]),
            CAST(:last_seen_at AS timestamptz[])
        ) AS new(id, chat_id, kind, first_name, last_name, username, language, attributes, tags,
            source, subscribed, subscribed_changed_at, reach, reach_changed_at, joined_at,
            last_seen_at)
        ON CONFLICT DO NOTHING
        RETURNING 1
    )
    SELECT count(*)::int FROM added
""")
