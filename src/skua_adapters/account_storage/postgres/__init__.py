"""Accounts in PostgreSQL."""

from skua_adapters.account_storage.postgres.unit import PostgresAccountStorage

__all__ = ["PostgresAccountStorage"]
