"""The ``skua`` command."""

import sys

_INTERRUPTED = 130


def main() -> None:
    """The program's entry point."""
    try:
        # Here, so that Ctrl-C while it is being read ends the program like any other Ctrl-C.
        from skua_app.cli.root import cli  # noqa: PLC0415 - see above

        cli(prog_name="skua")
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
