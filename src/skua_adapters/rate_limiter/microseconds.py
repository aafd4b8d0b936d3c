"""Times of buckets as whole microseconds: as fractions, a burst would be short of one at times."""

from skua_core.domain.limits import Bucket

SECOND = 1_000_000


def interval(bucket: Bucket) -> int:
    """After how long one permit comes back."""
    return max(1, round(bucket.seconds * SECOND))
