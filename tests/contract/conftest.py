"""Fixtures that several contract suites share."""

from tests.contract.database import (
    app_engine,
    cluster_with_roles,
    migrated_database,
    migrated_template,
    own_database,
)
from tests.contract.rigs.storage import in_memory_storage, postgres_storage, storage

__all__ = [
    "app_engine",
    "cluster_with_roles",
    "in_memory_storage",
    "migrated_database",
    "migrated_template",
    "own_database",
    "postgres_storage",
    "storage",
]
