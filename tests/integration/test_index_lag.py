"""How far the search index is behind what other processes write: a search takes it in before it answers."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Callable

from support.shop import Shop

WRITES = 60

_OPENED = """
    import json, sys, time
    from pathlib import Path
    from shopctl.bootstrap import Services
    from shopctl.catalogue.searching import SearchRequest
    from shopctl.kernel.settings import load_settings
    import os
    services = Services(load_settings(Path.cwd(), dict(os.environ)))
    log = Path(sys.argv[1])
"""
# Writes one word after another when the others are ready, and notes when each was committed.
WRITER = (
    _OPENED
    + """
    while len(list(Path.cwd().glob("ready-*"))) < 2:
        time.sleep(0.01)
    with log.open("a") as file:
        for number in range(int(sys.argv[2])):
            services.catalogue.edit(f"P{number}", [f"name=tick{number}"])
            print(number, time.monotonic(), file=file, flush=True)
            time.sleep(0.02)
    services.close()
"""
)
# Looks for the word committed last, and says of each search that did not find it how old the word was when it began.
SEARCHER = (
    _OPENED
    + """
    services.search.search(SearchRequest("thing"))
    Path(f"ready-{os.getpid()}").touch()
    late, searches, number = [], 0, -1
    while number < int(sys.argv[2]) - 1:
        lines = [line for line in log.read_text().split("\\n")[:-1]]
        if not lines:
            time.sleep(0.01)
            continue
        number, committed = int(lines[-1].split()[0]), float(lines[-1].split()[1])
        began = time.monotonic()
        found = services.search.search(SearchRequest(f"tick{number}"))
        searches += 1
        if f"P{number}" not in [hit["sku"] for hit in found["hits"]]:
            assert found["lag"] > 0, "a search that has not all of it says so"
            late.append(began - committed)
            if late[-1] > 10:
                break
            if number == int(sys.argv[2]) - 1:
                number -= 1  # once more
    print(json.dumps([searches, late]))
"""
)


def start(shop: Shop, script: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), *arguments],
        cwd=shop.folder, env=shop.environment(), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_a_search_that_begins_a_second_after_a_write_has_it(any_shop: Shop, scale: Callable[[int, int], int]):
    writes = scale(WRITES, 20 * WRITES)
    rows = "\n".join(f"P{number},Thing" for number in range(writes))
    any_shop.run("catalogue", "import", "-", input=f"sku,name\n{rows}\n")
    any_shop.run("catalogue", "search", "thing")
    log = any_shop.folder / "written"
    log.touch()

    processes = [start(any_shop, script, str(log), str(writes)) for script in (SEARCHER, SEARCHER, WRITER)]
    answers = [process.communicate(timeout=300)[0] for process in processes]

    assert [process.returncode for process in processes] == [0, 0, 0]
    for searches, late in map(json.loads, answers[:2]):
        assert searches > 0
        assert max(late, default=0) <= 1.0
    found = any_shop.run("catalogue", "search", f"tick{writes - 1}", "-o", "json").json
    assert (found["hits"][0]["sku"], found["lag"]) == (f"P{writes - 1}", 0)
