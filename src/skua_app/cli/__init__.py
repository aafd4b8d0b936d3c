"""The ``skua`` command."""

from skua_app.cli.root import cli, main

__all__ = ["cli", "main"]
