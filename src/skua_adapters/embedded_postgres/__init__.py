"""A PostgreSQL server of Skua's own, which lives as long as the process that started it."""

from skua_adapters.embedded_postgres.data_directory import SUPERUSER
from skua_adapters.embedded_postgres.errors import (
    AccountWithoutName,
    BinariesNotFound,
    ClusterInUse,
    DataDirectoryBroken,
    DirectoryNotUsable,
    DiskFull,
    EmbeddedPostgresError,
    OtherMajorVersion,
    ServerDidNotStart,
)
from skua_adapters.embedded_postgres.supervisor import EmbeddedPostgres

__all__ = [
    "SUPERUSER",
    "AccountWithoutName",
    "BinariesNotFound",
    "ClusterInUse",
    "DataDirectoryBroken",
    "DirectoryNotUsable",
    "DiskFull",
    "EmbeddedPostgres",
    "EmbeddedPostgresError",
    "OtherMajorVersion",
    "ServerDidNotStart",
]
