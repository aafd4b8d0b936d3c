"""Fixtures that several contract suites share."""

from tests.contract.database import (
    app_engine,
    cluster_with_roles,
    migrated_database,
    migrated_template,
    own_database,
)
from tests.contract.rigs.account_storage import accounts, in_memory_accounts, postgres_accounts
from tests.contract.rigs.job_queue import (
    dramatiq_queue,
    in_process_queue,
    job_queue,
    no_thread_left,
    polled_queue,
    postgres_queue,
)
from tests.contract.rigs.media_store import in_memory_media, media, postgres_media
from tests.contract.rigs.rate_limiter import in_process_limiter, rate_limiter, redis_limiter
from tests.contract.rigs.scheduled_jobs import in_memory_jobs, postgres_jobs, scheduled_jobs
from tests.contract.rigs.storage import in_memory_storage, postgres_storage, storage
from tests.redis_server import redis_server

__all__ = [
    "accounts",
    "app_engine",
    "cluster_with_roles",
    "dramatiq_queue",
    "in_memory_accounts",
    "in_memory_jobs",
    "in_memory_media",
    "in_memory_storage",
    "in_process_limiter",
    "in_process_queue",
    "job_queue",
    "media",
    "migrated_database",
    "migrated_template",
    "no_thread_left",
    "own_database",
    "polled_queue",
    "postgres_accounts",
    "postgres_jobs",
    "postgres_media",
    "postgres_queue",
    "postgres_storage",
    "rate_limiter",
    "redis_limiter",
    "redis_server",
    "scheduled_jobs",
    "storage",
]
