"""``skua worker`` with one thing broken: ``python … MUTANT``."""

import sys

from skua_app.cli import main
from tests.e2e.torture.mutants.broken import MUTANTS

if __name__ == "__main__":
    MUTANTS[sys.argv[1]]()
    sys.argv = ["skua", "worker"]
    main()
