"""How long the simulated Telegram takes to answer."""

import random

from .settings import LatencySettings


class Latency:
    """Draws from ``settings``, which may be replaced while requests are under way."""

    def __init__(self, settings: LatencySettings, *, seed: int) -> None:
        self.settings = settings
        self._random = random.Random(f"{seed}:latency")  # noqa: S311 - repeatable, nothing secret

    def seconds(self) -> float:
        settings = self.settings
        if settings.tail_share and self._random.random() < settings.tail_share:
            return settings.tail
        if not settings.deviation:
            return settings.mean
        return max(0.0, self._random.gauss(settings.mean, settings.deviation))
