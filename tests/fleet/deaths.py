"""Work that ends its process; apart from the tests, because each process imports it."""

import os
import signal


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
