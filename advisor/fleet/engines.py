"""Where the work of a fleet runs: in this process, in several, or on a Dask cluster. The results do not depend on it."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Any, Final, Protocol, TypeVar

from advisor.errors import InputError

T = TypeVar("T")
R = TypeVar("R")

MOST_DEATHS: Final = 2
"""Workers that one task may lose before it is given up: the second time it runs alone, so that no other is blamed."""
_AHEAD: Final = 4
"""Tasks that are handed over for each worker before it is done with the last."""
ANSWER_S = 5
"""How long a scheduler may take to answer."""
_THREAD_LIMITS: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
DASK_WORKERS: Final = {
    "distributed.worker.profile.enabled": False,
    "distributed.nanny.pre-spawn-environ": dict.fromkeys(_THREAD_LIMITS, 1),
}
"""Dask's workers look at their own stacks a hundred times a second, and hand freed memory back to the system at once.

Each takes a tenth of a screening or more. Their environment is Dask's but for MALLOC_TRIM_THRESHOLD_.
"""
_DASK_FIX: Final = "Install the extra: pip install 'ecs-launch-advisor[fleet]'."


class Engine(StrEnum):
    """Where the work of a fleet runs."""

    LOCAL = "local"
    PROCESSES = "processes"
    DASK = "dask"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """A task that has no result, because the processes that worked on it ended."""

    why: str


class Mapped(Protocol):
    """Applies a function to tasks, and gives each number of a task with its result, in the order in which they are done."""

    def __call__(self, function: Callable[[T], R], tasks: Sequence[T], /) -> Iterator[tuple[int, R | Lost]]: ...


def open_engine(engine: Engine, *, workers: int | None = None, scheduler: str | None = None) -> AbstractContextManager[Mapped]:
    """Start what runs the tasks, and end it afterwards; a scheduler that was there before stays.

    Parameters
    ----------
    workers
        Processes that are started; as many as there are processors without it.
    scheduler
        Address of a running Dask scheduler, such as ``tcp://10.0.0.5:8786``.

    Raises
    ------
    InputError
        A scheduler or a number of workers is given to what has none, Dask is not installed, or the scheduler does not answer.
    """
    if scheduler is not None and engine is not Engine.DASK:
        raise InputError(f"--scheduler goes with the engine dask, not {engine}", fix="Give --engine dask.")
    if workers is not None and (engine is Engine.LOCAL or scheduler is not None):
        what = "the engine local is one process" if scheduler is None else "a running scheduler has its own workers"
        raise InputError(f"--workers is given, and {what}", fix="Leave it out, or give --engine processes.")
    if workers is not None and workers < 1:
        raise InputError(f"{workers} workers cannot work", fix="Give 1 or more.")
    if engine is Engine.LOCAL:
        return _local()
    if engine is Engine.PROCESSES:
        return _processes(workers or os.cpu_count() or 1)
    return _dask(workers or os.cpu_count() or 1, scheduler)


@contextmanager
def _local() -> Iterator[Mapped]:
    def mapped(function: Callable[[T], R], tasks: Sequence[T], /) -> Iterator[tuple[int, R | Lost]]:
        for number, task in enumerate(tasks):
            yield number, function(task)

    yield mapped


@contextmanager
def _processes(workers: int) -> Iterator[Mapped]:
    with _one_thread_each():
        yield _ProcessMap(workers)


class _ProcessMap:
    """Tasks in a pool of processes; a pool that lost one is made anew, and what was under way is done again, one by one."""

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def __call__(self, function: Callable[[T], R], tasks: Sequence[T], /) -> Iterator[tuple[int, R | Lost]]:
        open_numbers = list(range(len(tasks)))
        deaths = dict.fromkeys(open_numbers, 0)
        while open_numbers:
            suspects = [number for number in open_numbers if deaths[number]]
            batch, at_once = (suspects, 1) if suspects else (open_numbers, self.workers * _AHEAD)
            under_way: list[int] = []
            for number, done in self._pool(function, tasks, batch, at_once, under_way):
                open_numbers.remove(number)
                yield number, done
            for number in under_way:
                deaths[number] += 1
                if deaths[number] >= MOST_DEATHS:
                    open_numbers.remove(number)
                    yield (
                        number,
                        Lost(why="the process that worked on it was killed twice: it may need more memory than there is"),
                    )

    def _pool(
        self, function: Callable[[T], R], tasks: Sequence[T], batch: Sequence[int], at_once: int, under_way: list[int]
    ) -> Iterator[tuple[int, R]]:
        """Results until all are there or the pool breaks, which leaves the numbers of what it was given in ``under_way``."""
        waiting = list(reversed(batch))
        running: dict[Future[R], int] = {}
        context = multiprocessing.get_context("spawn")
        ends, wanted = context.Pipe(duplex=False)
        pool = ProcessPoolExecutor(
            max_workers=min(self.workers, len(batch), at_once), mp_context=context, initializer=_end_with, initargs=(ends,)
        )
        try:
            while waiting or running:
                while waiting and len(running) < at_once:
                    number = waiting.pop()
                    running[pool.submit(function, tasks[number])] = number
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    if isinstance(future.exception(), BrokenProcessPool):
                        under_way.extend(sorted(running.values()))
                        return
                    number = running.pop(future)
                    yield number, future.result()
        except BrokenProcessPool:  # while a task was handed over
            under_way.extend(sorted({*running.values(), number}))
        finally:
            wanted.close()  # what is still at work then has nobody to work for
            pool.shutdown(wait=True, cancel_futures=True)
            ends.close()


def _end_with(wanted: Connection) -> None:
    """End this process when the other end of a pipe is closed: its maker gave up, or was killed and could say nothing.

    A pool lets its processes finish what they were given, and those of a maker that was killed wait for more for ever.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: it is for the maker, who closes the pipe

    def watch() -> None:
        wanted.poll(None)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes that are started meanwhile compute with one thread each: more would only wait for each other."""
    before = {name: os.environ.get(name) for name in _THREAD_LIMITS}
    os.environ.update(dict.fromkeys(_THREAD_LIMITS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _dask(workers: int, scheduler: str | None) -> Iterator[Mapped]:
    try:
        distributed: Any = import_module("distributed")
    except ImportError:
        raise InputError("the engine dask needs dask[distributed], which is not installed", fix=_DASK_FIX) from None
    if scheduler is not None:
        try:
            client = distributed.Client(scheduler, timeout=ANSWER_S, set_as_default=False)
        except (OSError, ValueError) as error:
            raise InputError(f"no Dask scheduler answers at {scheduler} ({error})", fix="Check the address.") from None
        with client:
            yield _DaskMap(distributed, client)
        return
    with (
        import_module("dask").config.set(DASK_WORKERS),
        distributed.LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            dashboard_address="127.0.0.1:0",  # without one it listens to everybody on 8787, and complains where that is taken
            silence_logs="CRITICAL",
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        yield _DaskMap(distributed, client)


class _DaskMap:
    """Tasks on a Dask cluster. Its scheduler gives the tasks of a lost worker to another."""

    def __init__(self, distributed: Any, client: Any) -> None:
        self.distributed, self.client = distributed, client

    def __call__(self, function: Callable[[T], R], tasks: Sequence[T], /) -> Iterator[tuple[int, R | Lost]]:
        futures = self.client.map(function, tasks, pure=False)
        numbers = {future.key: number for number, future in enumerate(futures)}
        try:
            for future in self.distributed.as_completed(futures, loop=self.client.loop):
                error = future.exception()
                if isinstance(error, self.distributed.KilledWorker):
                    yield numbers[future.key], Lost(why=f"the workers that it ran on were killed ({error})".split("\n", 1)[0])
                else:
                    yield numbers[future.key], future.result()
                future.release()
        finally:
            self.client.cancel(futures)
