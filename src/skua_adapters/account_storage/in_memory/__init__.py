"""Accounts in memory: for tests, and for programs that embed the core without a database."""

from skua_adapters._memory import Memory
from skua_adapters.account_storage.in_memory.unit import InMemoryAccountStorage

__all__ = ["InMemoryAccountStorage", "Memory"]
