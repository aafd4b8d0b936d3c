"""What the versions share."""

from alembic import op


def run(*statements: str) -> None:
    """Execute each as it stands: colons and percent signs mean what they mean in SQL."""
    connection = op.get_bind()
    for statement in statements:
        connection.exec_driver_sql(statement)
