"""Ids of RFC 9562."""

from uuid import UUID, uuid4

from uuid_utils.compat import uuid7

from skua_core.ports.id_factory import IdFactory


class Uuid7IdFactory(IdFactory):
    def new(self) -> UUID:
        return uuid7()

    def unguessable(self) -> UUID:
        return uuid4()
