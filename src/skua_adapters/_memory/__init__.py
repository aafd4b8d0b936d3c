"""What the in-memory adapters share, as the others share a database."""

from skua_adapters._memory.memory import Memory

__all__ = ["Memory"]
