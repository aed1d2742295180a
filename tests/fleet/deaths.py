"""Work that ends its process; apart from the tests, because each process imports it."""

import fcntl
import os
import signal
import sys
import time
from functools import partial
from pathlib import Path

from advisor.fleet.engines import Engine, open_engine


def squared_unless_killed(number, *, folder, fatal, times):
    """A square; the process of ``fatal`` kills itself the first ``times`` that it meets it."""
    if number == fatal:
        for attempt in range(times):
            try:
                os.close(os.open(folder / f"death-{attempt}", os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                continue
            os.kill(os.getpid(), signal.SIGKILL)
    return number * number


def held(number, *, folder):
    """Holds a lock for a minute, and with it tells whether its process lives."""
    with (folder / f"lock-{number}").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        (folder / f"began-{number}").touch()
        time.sleep(60)


if __name__ == "__main__":
    with open_engine(Engine.PROCESSES, workers=2) as mapped:
        list(mapped(partial(held, folder=Path(sys.argv[1])), range(6)))
