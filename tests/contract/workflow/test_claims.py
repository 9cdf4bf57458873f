"""Claims: by the index of what is due, whatever has ended."""

from __future__ import annotations

from support.stories import step
from support.workbench import Bench


def test_ended_runs_are_not_looked_at_when_runs_are_claimed(bench: Bench) -> None:
    bench.action("call")
    for _ in range(300):
        bench.start(step("call"))
    bench.work()
    bench.start(step("call"))
    explain = "explain query plan" if bench.database.dialect == "sqlite" else "explain"
    with bench.database.unit() as unit:
        unit.analyze("workflow_run")
        for sql in (
            f"select id from workflow_run where next_at <= :now order by next_at limit 200 {unit.for_claim}",
            "select 1 from workflow_run where next_at <= :now limit 1",
        ):
            plan = " ".join(str(row[-1]) for row in unit.tuples(f"{explain} {sql}", now=bench.clock.now()))
            assert "ix_workflow_run_next_at" in plan, plan
