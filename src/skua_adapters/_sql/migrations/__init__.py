"""The database's shape, version by version, and how to reach the newest."""

from skua_adapters._sql.migrations.runner import (
    check_known,
    current_and_head,
    downgrade,
    head_version,
    migrate,
)

__all__ = ["check_known", "current_and_head", "downgrade", "head_version", "migrate"]
