"""What the tests of delivery use, here as well."""

from tests.e2e.delivery.conftest import (
    build_scene,
    cleanup,
    cluster_with_roles,
    migrated_template,
    own_database,
    place,
    seed,
    set_up,
)

__all__ = [
    "build_scene",
    "cleanup",
    "cluster_with_roles",
    "migrated_template",
    "own_database",
    "place",
    "seed",
    "set_up",
]
