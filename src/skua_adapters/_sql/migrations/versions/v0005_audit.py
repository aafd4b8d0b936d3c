"""The audit log: appended to through one function, changed by nobody."""

from skua_adapters._sql.migrations.statements import run

revision = "0005"
down_revision = "0004"

HEADS = """
CREATE TABLE audit.heads (
    chain text CONSTRAINT heads_pkey PRIMARY KEY,
    seq bigint NOT NULL,
    hash bytea NOT NULL,
    last_at timestamptz NOT NULL
)
"""

# Unique (chain, seq) can't be asked of a table that is partitioned by time; the head row's lock
# is what keeps the numbers apart.
ENTRIES = """
CREATE TABLE audit.entries (
    chain text,
    seq bigint,
    at timestamptz,
    actor text NOT NULL,
    action text NOT NULL,
    resource text NOT NULL,
    ip text,
    user_agent text,
    details text NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT entries_pkey PRIMARY KEY (chain, seq, at)
) PARTITION BY RANGE (at)
"""

# Stops mistakes of the tables' owner too, which no grant could.
REFUSE = """
CREATE FUNCTION audit.refuse() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'audit entries can only be added' USING ERRCODE = 'insufficient_privilege';
END
$$
"""

# A row trigger of the parent reaches its partitions by itself; one on TRUNCATE doesn't.
PROTECT = """
CREATE FUNCTION audit.protect(name text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER append_only BEFORE TRUNCATE ON audit.%I '
                   'FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse()', name);
    EXECUTE format('GRANT SELECT ON audit.%I TO skua_backup', name);
END
$$
"""

ENSURE_PARTITIONS = """
CREATE FUNCTION audit.ensure_partitions(months_ahead integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' SET timezone = 'UTC' AS $$
DECLARE
    this_month constant timestamptz := date_trunc('month', clock_timestamp());
    starts timestamptz;
    partition text;
    made integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('audit.ensure_partitions', 0));
    FOR ahead IN 0 .. least(months_ahead, 24) LOOP
        starts := this_month + make_interval(months => ahead);
        partition := 'entries_' || to_char(starts, 'YYYY_MM');
        CONTINUE WHEN to_regclass('audit.' || partition) IS NOT NULL;
        BEGIN
            EXECUTE format('CREATE TABLE audit.%I (LIKE audit.entries)', partition);
            PERFORM audit.protect(partition);
            EXECUTE format(
                'ALTER TABLE audit.entries ATTACH PARTITION audit.%I FOR VALUES FROM (%L) TO (%L)',
                partition, starts, starts + interval '1 month');
            made := made + 1;
        EXCEPTION WHEN check_violation THEN
            RAISE NOTICE 'entries of % are in the default partition', partition;
        END;
    END LOOP;
    RETURN made;
END
$$
"""

# The chain follows from the transaction's bot, so nobody can write into another one.
CURRENT_CHAIN = """
CREATE FUNCTION audit.current_chain() RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(nullif(current_setting('skua.bot_id', true), '')::uuid::text, 'platform')
$$
"""

AT_TEXT = """
CREATE FUNCTION audit.at_text(at timestamptz) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$
"""

# lp(x) of the chain's definition in skua_core.domain.audit.
LENGTH_PREFIXED = r"""
CREATE FUNCTION audit.length_prefixed(part text) RETURNS bytea
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN part IS NULL THEN '\xffffffff'::bytea
                ELSE int4send(octet_length(convert_to(part, 'UTF8'))) || convert_to(part, 'UTF8')
           END
$$
"""

# The time is taken after the lock, and rises even under a clock that was set back.
APPEND = """
CREATE FUNCTION audit.append(
    actor text, action text, resource text, ip text, user_agent text, details text
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    this_chain constant text := audit.current_chain();
    head audit.heads;
    this_at timestamptz;
    this_hash bytea;
BEGIN
    INSERT INTO audit.heads (chain, seq, hash, last_at)
    VALUES (this_chain, 0, sha256(convert_to('skua-audit-v1|' || this_chain, 'UTF8')), '-infinity')
    ON CONFLICT (chain) DO NOTHING;
    SELECT * INTO STRICT head FROM audit.heads WHERE chain = this_chain FOR UPDATE;
    this_at := greatest(clock_timestamp(), head.last_at + interval '1 microsecond');
    this_hash := sha256(
        convert_to('skua-audit-v1', 'UTF8') || head.hash || int8send(head.seq + 1)
        || audit.length_prefixed(this_chain) || audit.length_prefixed(audit.at_text(this_at))
        || audit.length_prefixed(actor) || audit.length_prefixed(action)
        || audit.length_prefixed(resource) || audit.length_prefixed(ip)
        || audit.length_prefixed(user_agent) || audit.length_prefixed(details));
    INSERT INTO audit.entries
    VALUES (this_chain, head.seq + 1, this_at, actor, action, resource, ip, user_agent, details,
            this_hash);
    UPDATE audit.heads SET seq = head.seq + 1, hash = this_hash, last_at = this_at
    WHERE chain = this_chain;
    RETURN head.seq + 1;
END
$$
"""

READ = """
CREATE FUNCTION audit.read(after bigint, at_most integer)
RETURNS TABLE (chain text, seq bigint, at text, actor text, action text, resource text, ip text,
               user_agent text, details text, hash bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT e.chain, e.seq, audit.at_text(e.at), e.actor, e.action, e.resource, e.ip, e.user_agent,
           e.details, e.hash
    FROM audit.entries AS e
    WHERE e.chain = audit.current_chain() AND e.seq > after
    ORDER BY e.seq LIMIT at_most
$$
"""

HEAD = """
CREATE FUNCTION audit.head() RETURNS TABLE (chain text, seq bigint, hash bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT h.chain, h.seq, h.hash FROM audit.heads AS h WHERE h.chain = audit.current_chain()
$$
"""

FOR_THE_APPLICATION = (
    "audit.ensure_partitions(integer)",
    "audit.append(text, text, text, text, text, text)",
    "audit.read(bigint, integer)",
    "audit.head()",
)


def upgrade() -> None:
    run(
        "CREATE SCHEMA audit AUTHORIZATION skua_audit",
        "SET LOCAL ROLE skua_audit",
        "GRANT USAGE ON SCHEMA audit TO skua_owner, skua_app, skua_backup",
        HEADS,
        "GRANT SELECT ON audit.heads TO skua_backup",
        ENTRIES,
        REFUSE,
        PROTECT,
        "CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE ON audit.entries"
        " FOR EACH ROW EXECUTE FUNCTION audit.refuse()",
        "SELECT audit.protect('entries')",
        "CREATE TABLE audit.entries_default PARTITION OF audit.entries DEFAULT",
        "SELECT audit.protect('entries_default')",
        ENSURE_PARTITIONS,
        CURRENT_CHAIN,
        AT_TEXT,
        LENGTH_PREFIXED,
        APPEND,
        READ,
        HEAD,
        "REVOKE ALL ON ALL FUNCTIONS IN SCHEMA audit FROM PUBLIC",
        *(f"GRANT EXECUTE ON FUNCTION {name} TO skua_app" for name in FOR_THE_APPLICATION),
        "GRANT EXECUTE ON FUNCTION audit.ensure_partitions(integer) TO skua_owner",
        "RESET ROLE",
    )


def downgrade() -> None:
    run("SET LOCAL ROLE skua_audit", "DROP SCHEMA audit CASCADE", "RESET ROLE")
