"""A program that keeps an embedded PostgreSQL until its standard input closes.

Run as ``python keeper.py DIRECTORY [BIN_DIR]``; says ``{"pid": …, "dsn": …}`` once it is up, or
``{"error": …, "message": …}``.
"""

import json
import os
import sys
from pathlib import Path

from skua_adapters.embedded_postgres import EmbeddedPostgres, EmbeddedPostgresError


def main() -> None:
    if sys.stdin.isatty():
        # The first terminal that the leader of a session opens becomes its own.
        os.close(os.open(os.ttyname(0), os.O_RDWR))
    directory, *bin_dir = (Path(argument) for argument in sys.argv[1:])
    server = EmbeddedPostgres(directory, bin_dir=bin_dir[0] if bin_dir else None)
    try:
        server.start()
    except EmbeddedPostgresError as error:
        tell({"error": type(error).__name__, "message": str(error)})
        sys.exit(1)
    tell({"pid": server.pid, "dsn": server.dsn()})
    sys.stdin.read()
    server.stop()


def tell(what: object) -> None:
    sys.stdout.write(f"{json.dumps(what)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
