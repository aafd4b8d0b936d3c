"""The one statement that takes turns of many lanes."""

from sqlalchemy import text

# In no bot: the function enters that of each turn, and row security holds inside as everywhere.
TAKE_TURNS = text("""
    SELECT * FROM platform.take_turns(
        CAST(:bots AS uuid[]), CAST(:leases AS uuid[]), CAST(:epochs AS bigint[]),
        CAST(:rooms AS int[]), CAST(:answers_end AS int[]), CAST(:learned_end AS int[]),
        CAST(:busy_end AS int[]), CAST(:sources AS uuid[]), CAST(:positions AS int[]),
        CAST(:attempts AS smallint[]), CAST(:statuses AS text[]), CAST(:reasons AS text[]),
        CAST(:details AS text[]), CAST(:message_ids AS bigint[]), CAST(:retries AS float8[]),
        CAST(:learned_from AS int[]), CAST(:learned_of AS uuid[]), CAST(:reaches AS text[]),
        CAST(:learned_at AS timestamptz[]), CAST(:busy AS bigint[]), :group_spacing)
""")
