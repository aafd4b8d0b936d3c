"""Which bots keep a chat link of a user who is to be forgotten, or told everything.

Ids only, as for due work: a user's links are in bots on which they have no role any more, too.
"""

from skua_adapters._sql.migrations.statements import run

revision = "0011"
down_revision = "0010"

# Sequential scans are off because fresh tables have no statistics to choose by.
CHAT_LINKS_OF = """
CREATE FUNCTION platform.chat_links_of(of_user uuid) RETURNS TABLE (bot_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
BEGIN
    RETURN QUERY
    SELECT l.bot_id FROM tenant.chat_links AS l WHERE l.user_id = of_user ORDER BY l.bot_id;
END
$$
"""


def upgrade() -> None:
    run(
        "CREATE INDEX chat_links_user_id ON tenant.chat_links (user_id, bot_id)",
        "GRANT SELECT (bot_id, user_id) ON tenant.chat_links TO skua_clock",
        "CREATE POLICY clock ON tenant.chat_links FOR SELECT TO skua_clock USING (true)",
        "GRANT CREATE ON SCHEMA platform TO skua_clock",
        "SET LOCAL ROLE skua_clock",
        CHAT_LINKS_OF,
        "REVOKE ALL ON FUNCTION platform.chat_links_of(uuid) FROM PUBLIC",
        "GRANT EXECUTE ON FUNCTION platform.chat_links_of(uuid) TO skua_app",
        "RESET ROLE",
        "REVOKE CREATE ON SCHEMA platform FROM skua_clock",
    )


def downgrade() -> None:
    run(
        "DROP FUNCTION platform.chat_links_of(uuid)",
        "DROP POLICY clock ON tenant.chat_links",
        "REVOKE SELECT (bot_id, user_id) ON tenant.chat_links FROM skua_clock",
        "DROP INDEX tenant.chat_links_user_id",
    )
