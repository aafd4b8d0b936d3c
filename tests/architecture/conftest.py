"""Fixtures of the architecture tests."""

from tests.architecture.bare_environment import bare

__all__ = ["bare"]
