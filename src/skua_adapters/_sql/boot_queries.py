"""What the boot check asks the catalogue. Each row that comes back is a problem, in words."""

# The roles that this connection is, or may become, with what they could do.
_POWERS = """
WITH mine AS (
    SELECT r.* FROM pg_roles AS r
    WHERE CASE WHEN (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
               THEN r.rolname = current_user
               ELSE pg_has_role(current_user, r.oid, 'MEMBER') END
), powers (oid, rolname, power) AS (
    SELECT oid, rolname, 'is a superuser' FROM mine WHERE rolsuper
    UNION ALL
    SELECT oid, rolname, 'bypasses row security' FROM mine WHERE rolbypassrls AND NOT rolsuper
    UNION ALL
    SELECT oid, rolname, 'may create roles' FROM mine WHERE rolcreaterole AND NOT rolsuper
    UNION ALL
    SELECT oid, rolname, 'may reach the server''s files' FROM mine
    WHERE rolname IN ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files')
    UNION ALL
    SELECT DISTINCT m.oid, m.rolname, 'owns Skua''s tables' FROM mine AS m
    JOIN pg_class AS c ON c.relowner = m.oid
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
        AND n.nspname IN ('tenant', 'platform', 'audit')
    WHERE NOT m.rolsuper
    UNION ALL
    SELECT DISTINCT m.oid, m.rolname, 'sees the rows of every bot' FROM mine AS m
    JOIN pg_policy AS p ON m.oid = ANY (p.polroles)
    JOIN pg_class AS c ON c.oid = p.polrelid
    JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = 'tenant'
    WHERE NOT m.rolsuper AND m.rolname <> 'skua_app'
)
SELECT 'it is reached as ' || current_user
    || CASE WHEN rolname = current_user THEN '' ELSE ', a member of ' || rolname END
    || ', which ' || power || ': connect as skua_app, a member of no such role'
FROM powers ORDER BY rolname <> current_user, rolname, power
"""

_OTHER_ROLE = """
SELECT 'it is reached as ' || current_user || ', for whom no row is meant: connect as skua_app'
WHERE current_user <> 'skua_app'
"""

ROLE = (_POWERS, _OTHER_ROLE)

_SERVER = """
SELECT 'it runs PostgreSQL ' || current_setting('server_version') || '; 15 or newer is needed'
WHERE current_setting('server_version_num')::int < 150000
UNION ALL
SELECT 'its encoding is ' || current_setting('server_encoding') || '; it has to be UTF8'
WHERE current_setting('server_encoding') <> 'UTF8'
"""

_OTHER_ROLES = """
SELECT 'role ' || rolname || ' could bypass row security'
FROM pg_roles WHERE rolname IN ('skua_owner', 'skua_clock', 'skua_audit', 'skua_backup')
    AND (rolsuper OR rolbypassrls)
UNION ALL
SELECT 'role ' || rolname || ' may log in, and must not'
FROM pg_roles WHERE rolname IN ('skua_clock', 'skua_audit') AND rolcanlogin
"""

# What each of the following begins with.
TENANT_TABLES = """
WITH tables AS (
    SELECT c.oid, c.relname, c.relkind, c.relispartition, c.relrowsecurity, c.relforcerowsecurity
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = 'tenant'
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
)
"""

_ROW_SECURITY = """
SELECT 'tenant.' || relname || ' is not a table' FROM tables WHERE relkind NOT IN ('r', 'p')
UNION ALL
SELECT 'row security of tenant.' || relname || ' is off'
FROM tables WHERE relkind IN ('r', 'p') AND NOT relrowsecurity
UNION ALL
SELECT 'row security of tenant.' || relname || ' is not forced upon its owner'
FROM tables WHERE relkind IN ('r', 'p') AND relrowsecurity AND NOT relforcerowsecurity
UNION ALL
SELECT 'tenant.' || relname || ' has no bot_id, or one that may be missing'
FROM tables AS t WHERE relkind IN ('r', 'p') AND NOT EXISTS (
    SELECT FROM pg_attribute AS a WHERE a.attrelid = t.oid AND a.attname = 'bot_id' AND a.attnotnull
)
"""

_POLICIES = """
, protected AS (
    SELECT * FROM tables WHERE relkind IN ('r', 'p')
), one_bot (condition) AS (
    SELECT '(bot_id = ( SELECT (NULLIF(current_setting(''skua.bot_id''::text, true), ''''::text))'
           '::uuid AS "nullif"))'
), expected (oid, relname, polname, as_made) AS (
    SELECT oid, relname, 'one_bot', 'skua_app * ' || condition || ' ' || condition
    FROM protected, one_bot
    UNION ALL
    SELECT oid, relname, 'backup', 'skua_backup r true -' FROM protected
    UNION ALL
    SELECT oid, relname, 'clock', 'skua_clock r true -' FROM protected
    WHERE relname IN ('broadcasts', 'deliveries', 'chat_links')
), actual (oid, relname, polname, as_made) AS (
    SELECT t.oid, t.relname, p.polname,
           (SELECT coalesce(string_agg(r.rolname, ',' ORDER BY r.rolname), 'PUBLIC')
            FROM pg_roles AS r WHERE r.oid = ANY (p.polroles))
           || ' ' || p.polcmd::text || ' ' || coalesce(pg_get_expr(p.polqual, p.polrelid), '-')
           || ' ' || coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '-')
    FROM protected AS t JOIN pg_policy AS p ON p.polrelid = t.oid
)
SELECT CASE WHEN a.polname IS NULL THEN 'tenant.' || e.relname || ' has no policy ' || e.polname
            WHEN e.polname IS NULL THEN 'tenant.' || a.relname || ' has a policy ' || a.polname
                                        || ' that Skua didn''t make'
            ELSE 'policy ' || a.polname || ' of tenant.' || a.relname || ' was changed' END
FROM expected AS e FULL JOIN actual AS a USING (oid, polname)
WHERE a.as_made IS DISTINCT FROM e.as_made
"""

_KEYS = """
SELECT 'foreign key ' || k.conname || ' of tenant.' || t.relname || ' doesn''t begin with bot_id'
FROM tables AS t JOIN pg_constraint AS k ON k.conrelid = t.oid AND k.contype = 'f'
WHERE NOT EXISTS (
    SELECT FROM pg_attribute AS a, pg_attribute AS b
    WHERE a.attrelid = k.conrelid AND a.attnum = k.conkey[1] AND a.attname = 'bot_id'
      AND b.attrelid = k.confrelid AND b.attnum = k.confkey[1] AND b.attname = 'bot_id'
)
UNION ALL
SELECT 'unique index ' || i.indexrelid::regclass || ' doesn''t begin with bot_id'
FROM tables AS t JOIN pg_index AS i ON i.indrelid = t.oid AND i.indisunique
WHERE NOT EXISTS (
    SELECT FROM pg_attribute AS a
    WHERE a.attrelid = t.oid AND a.attnum = i.indkey[0] AND a.attname = 'bot_id'
)
"""

_GRANTS = """
SELECT current_user || ' may ' || lower(p.privilege) || ' tenant.' || t.relname
FROM tables AS t, unnest(ARRAY['TRUNCATE', 'REFERENCES', 'TRIGGER']) AS p (privilege)
WHERE has_table_privilege(t.oid, p.privilege)
UNION ALL
SELECT current_user || ' may move rows of tenant.' || t.relname || ' to another bot'
FROM tables AS t JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attname = 'bot_id'
WHERE has_column_privilege(t.oid, a.attnum, 'UPDATE')
UNION ALL
SELECT current_user || ' may reach tenant.' || t.relname || ' past its parent'
FROM tables AS t WHERE t.relispartition
    AND (has_any_column_privilege(t.oid, 'SELECT, INSERT, UPDATE')
         OR has_table_privilege(t.oid, 'DELETE'))
UNION ALL
SELECT current_user || ' may create things in schema ' || n.nspname
FROM pg_namespace AS n WHERE n.nspname IN ('tenant', 'platform', 'audit')
    AND has_schema_privilege(n.oid, 'CREATE')
UNION ALL
SELECT current_user || ' may reach ' || c.oid::regclass || ' past its functions'
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = 'audit'
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND (has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE')
         OR has_table_privilege(c.oid, 'DELETE, TRUNCATE, TRIGGER'))
"""

# Every view over tenant rows, wherever it is, must look as whoever asks.
_VIEWS = """
SELECT DISTINCT 'view ' || v.oid::regclass || ' shows tenant rows with the rights of its owner'
FROM pg_class AS v
JOIN pg_rewrite AS r ON r.ev_class = v.oid
JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
    AND d.refclassid = 'pg_class'::regclass
JOIN pg_class AS t ON t.oid = d.refobjid
JOIN pg_namespace AS n ON n.oid = t.relnamespace AND n.nspname = 'tenant'
WHERE v.relkind IN ('v', 'm')
    AND NOT coalesce(v.reloptions @> ARRAY['security_invoker=true'], false)
"""

# Known ones by name, owner and pinned path; elsewhere, what runs as a role that sees every bot.
_FUNCTIONS = """
, known (signature, owner) AS (VALUES
    ('tenant.ensure_partitions(integer)', 'skua_owner'),
    ('tenant.drop_old_partition(integer, integer)', 'skua_owner'),
    ('platform.due_lanes(integer, interval, interval)', 'skua_clock'),
    ('platform.unserved_broadcasts(interval, interval)', 'skua_clock'),
    ('platform.broadcasts_to_archive(integer, uuid, integer)', 'skua_clock'),
    ('platform.month_is_done(uuid, uuid)', 'skua_clock'),
    ('platform.chat_links_of(uuid)', 'skua_clock'),
    ('audit.ensure_partitions(integer)', 'skua_audit'),
    ('audit.append(text, text, text, text, text, text)', 'skua_audit'),
    ('audit.read(bigint, integer)', 'skua_audit'),
    ('audit.head()', 'skua_audit')
), definers AS (
    SELECT p.oid, n.nspname, p.proconfig,
           r.rolname AS owner, r.rolsuper OR r.rolbypassrls AS mighty,
           n.nspname || '.' || p.proname || '(' || oidvectortypes(p.proargtypes) || ')' AS signature
    FROM pg_proc AS p
    JOIN pg_namespace AS n ON n.oid = p.pronamespace
    JOIN pg_roles AS r ON r.oid = p.proowner
    WHERE p.prosecdef AND n.nspname NOT IN ('pg_catalog', 'information_schema')
)
SELECT 'function ' || d.signature || ' runs as ' || d.owner || ' and is not one of Skua''s'
FROM definers AS d
WHERE NOT EXISTS (SELECT FROM known AS k WHERE k.signature = d.signature AND k.owner = d.owner)
    AND (d.nspname IN ('tenant', 'platform', 'audit')
         OR (has_function_privilege(d.oid, 'EXECUTE') AND has_schema_privilege(d.nspname, 'USAGE')
             AND (d.mighty OR d.owner IN ('skua_clock', 'skua_audit', 'skua_backup'))
             AND NOT EXISTS (SELECT FROM pg_depend AS e WHERE e.objid = d.oid
                             AND e.classid = 'pg_proc'::regclass AND e.deptype = 'e')))
UNION ALL
SELECT 'function ' || d.signature || ' doesn''t pin its search_path'
FROM definers AS d JOIN known AS k USING (signature)
WHERE NOT coalesce(d.proconfig @> ARRAY['search_path=pg_catalog, pg_temp'], false)
"""

# Parameter: the tables that may be without row security, each with its reason in tables.py.
PLATFORM = """
SELECT 'platform.' || c.relname || ' is not one of the tables that may be without row security'
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = 'platform'
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relname <> ALL (CAST($1 AS text[]))
"""

SERVER = (_SERVER, _OTHER_ROLES, _VIEWS)
LOCKS = (_ROW_SECURITY, _POLICIES, _KEYS, _GRANTS, _FUNCTIONS)
