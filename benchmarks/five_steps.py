"""Five-step runs worked off in this process, by shopctl's runner or by DBOS; prints {"seconds", "processor_seconds"}.

python benchmarks/five_steps.py SIDE URL RUNS      (SIDE: own, dbos-threads, dbos-queue or dbos-async)

Every step calls a function outside of the database through a pool of threads; its intent is durable before, its result
before the next step. On both sides the clock stands between the start of the first run and the end of the last; where
runs can be handed over beforehand (own, dbos-queue), they are, and handing over is not counted.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from typing import Any

STEPS = 5
THREADS = 32


def own(url: str, runs: int) -> tuple[float, float]:
    """`shopctl worker --until-idle`, without the command line."""
    from shopctl.kernel.clock import Clock
    from shopctl.storage.database import open_database
    from shopctl.storage.migrations import upgrade
    from shopctl.workflow.model import NewRun
    from shopctl.workflow.ports import Call, Done, Outcome
    from shopctl.workflow.reading import read_definition
    from shopctl.workflow.runner import Runner
    from shopctl.workflow.starting import insert_run, keep

    class Outside:
        name, place, repetition = "call", "outside", "keyed"

        def problems(self, values: Any) -> list[str]:
            return []

        def perform(self, call: Call) -> Outcome:
            return Done({"n": call.values["n"] + 1})

    database = open_database(url)
    database.create()
    upgrade(database, "shop")
    before = ["input.n", *(f"steps.s{number}.n" for number in range(STEPS - 1))]
    steps = [{"name": f"s{n}", "action": "call", "with": {"n": "${" + before[n] + "}"}} for n in range(STEPS)]
    definition = read_definition({"name": "five", "steps": steps})
    with database.unit() as unit:
        now = Clock().now()
        version = keep(unit, definition, now=now)
        for number in range(runs):
            insert_run(unit, NewRun("five", "bench", f"thing {number}", {"n": number}), now=now, version=version)
    runner = Runner(database, Clock(), {"call": Outside()}, {}, threads=THREADS)

    def work() -> None:
        tally = runner.work()
        if tally.succeeded != runs:
            sys.exit(f"only {tally.succeeded} of {runs} runs completed")

    return timed(work)


def dbos(url: str, runs: int, way: str) -> tuple[float, float]:
    """Workflows of five steps, by `start_workflow`, from a queue, or as coroutines of one event loop."""
    from dbos import DBOS, DBOSConfig

    config: DBOSConfig = {
        "name": "five-steps", "system_database_url": url, "log_level": "ERROR", "max_executor_threads": THREADS,
        "sys_db_pool_size": THREADS, "enable_otlp": False, "application_version": "1",
    }  # fmt: skip
    DBOS(config=config)

    @DBOS.step()
    def call(n: int) -> int:
        return n + 1

    @DBOS.workflow()
    def five(n: int) -> int:
        for _ in range(STEPS):
            n = call(n)
        return n

    @DBOS.step()
    async def call_async(n: int) -> int:
        return n + 1

    @DBOS.workflow()
    async def five_async(n: int) -> int:
        for _ in range(STEPS):
            n = await call_async(n)
        return n

    def right(results: list[int]) -> None:
        if results != [number + STEPS for number in range(runs)]:
            sys.exit("DBOS has not done what it was asked for")

    def threads() -> None:
        handles = [DBOS.start_workflow(five, number) for number in range(runs)]
        right([handle.get_result(polling_interval_sec=0.01) for handle in handles])

    async def gathered() -> None:
        limit = asyncio.Semaphore(THREADS * 4)

        async def one(number: int) -> int:
            async with limit:
                handle = await DBOS.start_workflow_async(five_async, number)
                return await handle.get_result(polling_interval_sec=0.01)

        right(list(await asyncio.gather(*(one(number) for number in range(runs)))))

    DBOS.launch()
    try:
        if way == "threads":
            return timed(threads)
        if way == "async":
            return timed(lambda: asyncio.run(gathered()))
        return queued(DBOS, five, runs, right)
    finally:
        DBOS.destroy()


def queued(dbos: Any, five: Any, runs: int, right: Callable[[list[int]], None]) -> tuple[float, float]:
    """All runs wait in a queue that nobody listens to; then it is opened."""
    queue = dbos.register_queue("five", worker_concurrency=1, polling_interval_sec=0.01)
    handles = [dbos.enqueue_workflow("five", five, number) for number in range(runs)]

    def work() -> None:
        queue.set_worker_concurrency(THREADS)
        right([handle.get_result(polling_interval_sec=0.01) for handle in handles])

    return timed(work)


def timed(work: Callable[[], None]) -> tuple[float, float]:
    """Seconds and processor seconds of this process."""
    began, computed = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - began, time.process_time() - computed


def main() -> None:
    """One side, once."""
    side, url, runs = sys.argv[1], sys.argv[2], int(sys.argv[3])
    seconds, computed = own(url, runs) if side == "own" else dbos(url, runs, side.removeprefix("dbos-"))
    print(json.dumps({"seconds": seconds, "processor_seconds": computed}))


if __name__ == "__main__":
    main()
