"""One bot's data in PostgreSQL."""

from skua_adapters.tenant_storage.postgres.unit import PostgresTenantStorage, PostgresTenantUnit

__all__ = ["PostgresTenantStorage", "PostgresTenantUnit"]
