"""Periodic work that one worker at a time does, by the database's clock."""

from skua_adapters._sql.migrations.statements import run

revision = "0007"
down_revision = "0006"

# While a job is being done, it is due when its turn is over: then its holder is gone.
SCHEDULED_JOBS = """
CREATE TABLE platform.scheduled_jobs (
    name text CONSTRAINT scheduled_jobs_pkey PRIMARY KEY,
    due_at timestamptz NOT NULL,
    turn_id uuid NOT NULL,
    holder text NOT NULL
)
"""


def upgrade() -> None:
    run(
        SCHEDULED_JOBS,
        "GRANT SELECT, INSERT, UPDATE (due_at, turn_id, holder) ON platform.scheduled_jobs"
        " TO skua_app",
        "GRANT SELECT ON platform.scheduled_jobs TO skua_backup",
    )


def downgrade() -> None:
    run("DROP TABLE platform.scheduled_jobs")
