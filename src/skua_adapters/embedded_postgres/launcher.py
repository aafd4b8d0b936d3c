"""Runs a PostgreSQL program so that it ends with the process that asked for it.

A script of its own and not a ``preexec_fn``: that would run Python between fork and exec of a
process with threads, which may deadlock. Called as::

    python -I -S launcher.py PARENT_PID DEATH_SIGNAL UID PROGRAM ARGUMENT...

with UID -1 to stay who we are.
"""

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    parent, death_signal, uid = (int(argument) for argument in sys.argv[1:4])
    program = sys.argv[4:]
    if uid >= 0:
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)
    if sys.platform == "linux":
        # After the change of user, which would clear it; it survives the exec below.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, death_signal)
    if os.getppid() != parent:
        sys.exit("the parent ended before its server began")
    os.execv(program[0], program)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
