"""One bot's data in memory: for tests, and for programs that embed the core without a database."""

from skua_adapters._memory import Memory
from skua_adapters.tenant_storage.in_memory.unit import InMemoryTenantStorage

__all__ = ["InMemoryTenantStorage", "Memory"]
