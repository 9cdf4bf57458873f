"""Only one process does a job: on both databases, between processes, freed by a kill."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from shopctl.storage.database import Database, open_database
from shopctl.storage.errors import JobLocked

HOLD = """
import sys, time
from shopctl.storage.database import open_database
with open_database(sys.argv[1]).exclusive("catalogue.import"):
    print("held", flush=True)
    time.sleep(60)
"""


def hold(url: str) -> subprocess.Popen[str]:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, url], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def test_a_second_process_is_told_at_once_and_a_kill_frees_the_job(database: Database, database_url: str) -> None:
    with hold(database_url) as holder:
        began = time.monotonic()
        with pytest.raises(JobLocked, match=r"catalogue\.import") as refused, database.exclusive("catalogue.import"):
            pass
        assert time.monotonic() - began < 1
        assert refused.value.exit_code == 11
        with database.exclusive("another-job"):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        with database.exclusive("catalogue.import", wait=2):
            pass


def test_waiting_takes_over_when_the_job_ends(database: Database, database_url: str) -> None:
    with hold(database_url) as holder:
        with pytest.raises(JobLocked), database.exclusive("catalogue.import", wait=0.2):
            pass
        holder.kill()
        with database.exclusive("catalogue.import", wait=5), database.unit() as unit:
            unit.execute("insert into category (path, name) values ('x', 'x')")


def test_the_job_is_free_again_after_an_error(database: Database, database_url: str) -> None:
    with pytest.raises(KeyError), database.exclusive("job"):
        raise KeyError
    other = open_database(database_url)
    with other.exclusive("job"), pytest.raises(JobLocked), database.exclusive("job"):
        pass
    other.close()


def test_units_go_on_inside_and_beside_an_exclusive_job(database: Database, database_url: str) -> None:
    other = open_database(database_url)
    with database.exclusive("job"), database.unit() as unit:
        unit.execute("insert into category (path, name) values ('x', 'x')")
    with database.exclusive("job"), other.unit() as unit:
        unit.execute("insert into category (path, name) values ('y', 'y')")
    other.close()


@pytest.mark.parametrize("name", ["", "../x", "A", "a/b", "a b"])
def test_a_job_name_cannot_leave_its_folder(database: Database, name: str) -> None:
    with pytest.raises(ValueError, match="job name"), database.exclusive(name):
        pass
