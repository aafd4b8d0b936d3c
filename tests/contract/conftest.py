"""Fixtures that several contract suites share."""

from tests.contract.rigs.storage import in_memory_storage, storage

__all__ = ["in_memory_storage", "storage"]
