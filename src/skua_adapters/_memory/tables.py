"""Rows by key, with indexes, and a transaction's own view of them."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator
from copy import copy
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

Bucket = Hashable | None


class Table(Generic[K, V]):
    """Committed rows.

    An index is a function that names the bucket of a row; None keeps the row out of the index.
    """

    def __init__(self, **indexes: Callable[[V], Bucket]) -> None:
        self.rows: dict[K, V] = {}
        self.indexes = indexes
        # Dictionaries for their order: what was put first is found first.
        self.buckets: dict[str, defaultdict[Hashable, dict[K, None]]] = {
            name: defaultdict(dict) for name in indexes
        }

    def put(self, key: K, row: V) -> None:
        self.delete(key)
        self.rows[key] = row
        for name, bucket_of in self.indexes.items():
            if (bucket := bucket_of(row)) is not None:
                self.buckets[name][bucket][key] = None

    def delete(self, key: K) -> None:
        row = self.rows.pop(key, None)
        if row is None:
            return
        for name, bucket_of in self.indexes.items():
            bucket = bucket_of(row)
            if bucket is not None:
                del self.buckets[name][bucket][key]
                if not self.buckets[name][bucket]:
                    del self.buckets[name][bucket]

    def keys(self, index: str, bucket: Hashable) -> Iterator[K]:
        return iter(self.buckets[index].get(bucket, ()))


class OpenTable(Generic[K, V]):
    """A table as one transaction sees it; nobody else sees what it puts before ``apply``.

    Rows are handed in and out as copies, so that changing one changes nothing here.
    """

    def __init__(self, table: Table[K, V]) -> None:
        self._table = table
        self._changes: dict[K, V | None] = {}
        """New rows by key; None for a deleted one."""

    @property
    def changed(self) -> bool:
        return bool(self._changes)

    def get(self, key: K) -> V | None:
        row = self._changes[key] if key in self._changes else self._table.rows.get(key)
        return copy(row)

    def put(self, key: K, row: V) -> None:
        self._changes[key] = copy(row)

    def delete(self, key: K) -> None:
        self._changes[key] = None

    def values(self) -> Iterator[V]:
        for key, row in self._table.rows.items():
            if key not in self._changes:
                yield copy(row)
        for changed in self._changes.values():
            if changed is not None:
                yield copy(changed)

    def find(self, index: str, bucket: Hashable) -> list[V]:
        """The rows of one bucket."""
        found = [
            copy(self._table.rows[key])
            for key in self._table.keys(index, bucket)
            if key not in self._changes
        ]
        bucket_of = self._table.indexes[index]
        found += [
            copy(row)
            for row in self._changes.values()
            if row is not None and bucket_of(row) == bucket
        ]
        return found

    def clear(self) -> None:
        """Delete every row."""
        self._changes = dict.fromkeys([*self._table.rows, *self._changes])

    def apply(self) -> None:
        for key, row in self._changes.items():
            if row is None:
                self._table.delete(key)
            else:
                self._table.put(key, row)
        self._changes = {}
