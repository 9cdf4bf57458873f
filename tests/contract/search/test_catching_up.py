"""The index follows the change log, loses nothing, and is built again whenever it cannot be trusted."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from shopctl.catalogue import indexing, positions
from shopctl.catalogue.engines.errors import IndexBusy
from shopctl.catalogue.searching import SearchRequest, SearchService
from shopctl.storage.database import Database, open_database
from support.products import NOW, add

BUILT = "building the search index"


def asked(search: SearchService, query: str = "") -> tuple[list[str], int, list[str]]:
    """What a search finds, its lag, and what it had to say."""
    notes: list[str] = []
    found = search.search(SearchRequest(query, limit=1000), notes.append)
    assert found["total"] == len(found["hits"])
    return [hit["sku"] for hit in found["hits"]], found["lag"], notes


def files(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def rename(database: Database, sku: str, name: str) -> None:
    from shopctl.catalogue import edits

    with database.unit() as unit:
        [product] = edits.locked(unit, [sku], now=NOW)
        edits.save(unit, [edits.Edit(product, product._replace(name=name))], kind="update", now=NOW, actor="os:anna")


def test_a_search_takes_in_what_changed_since_the_last(search, database, stored):
    stored("A", name="Red mug")
    assert asked(search, "mug")[0] == ["A"]

    stored("B", name="Blue mug")
    rename(database, "A", "Red hat")

    assert asked(search, "mug") == (["B"], 0, [])
    assert asked(search, "hat") == (["A"], 0, [])


def test_nothing_is_written_when_nothing_changed(search, stored, tmp_path):
    stored("A", "B")
    search.refresh()
    before = files(tmp_path / "index")

    done = search.refresh()
    asked(search)

    assert (done.written, done.rebuilt, done.documents) == (0, False, 2)
    assert files(tmp_path / "index") == before


def test_more_changes_than_a_search_may_take_in_are_left_and_told(search, stored, monkeypatch):
    monkeypatch.setattr(indexing, "SMALL", 2)
    stored("A")
    search.refresh()
    stored("B", "C", "D")

    assert asked(search) == (["A"], 3, [])
    assert search.lag() == 3
    assert search.refresh()[1:4] == (3, False, 0)
    assert asked(search) == (["A", "B", "C", "D"], 0, [])


def test_a_lagging_index_never_shows_what_is_not_to_be_shown(search, database, stored, monkeypatch):
    monkeypatch.setattr(indexing, "SMALL", 0)
    stored("A", "B", "C", prices=[("USD", 100)])
    search.refresh()
    with database.unit() as unit:
        unit.execute("update product set status = 'retired' where sku = 'B'")
        unit.execute("update price set amount = 900 where product_id = 3")
    stored("D")

    assert asked(search)[:2] == (["A", "C"], 1)
    assert [hit["sku"] for hit in search.search(SearchRequest("", where=["price<5"]))["hits"]] == ["A"]


def test_many_changes_are_faster_built_anew(search, stored, monkeypatch):
    monkeypatch.setattr(indexing, "_REBUILD", 3)
    stored("A")
    search.refresh()
    stored("B", "C", "D")

    done = search.refresh()

    assert (done.rebuilt, done.documents, done.lag) == (True, 4, 0)


def test_a_search_does_not_wait_for_another_writer(search, stored, monkeypatch):
    stored("A")
    search.refresh()
    stored("B")

    with search.indexing.generations.alone():
        assert asked(search) == (["A"], 1, [])
    assert asked(search) == (["A", "B"], 0, [])


def test_a_search_without_an_index_waits_for_the_process_that_builds_one(
    search, database_url, stored, turned, tmp_path, engine_name
):
    stored("A")
    building, waited = threading.Event(), threading.Event()

    def build() -> None:
        with closing(open_database(database_url)) as other:
            builder = SearchService(
                other, turned, engine=engine_name, folder=tmp_path / "index", currency="USD"
            ).indexing
            with builder.generations.alone():
                building.set()
                assert waited.wait(20)
                with other.read() as unit:
                    builder._built(unit, indexing.silent)

    def note(text: str) -> None:
        notes.append(text)
        waited.set()

    notes: list[str] = []
    with ThreadPoolExecutor() as pool:
        built = pool.submit(build)
        assert building.wait(20)
        found = search.search(SearchRequest(""), note)
        built.result()

    assert [hit["sku"] for hit in found["hits"]] == ["A"]
    assert notes == ["waiting for another process, which is building the search index"], "it is not built twice"


def test_the_time_a_search_took_leaves_the_building_out(search, stored, monkeypatch):
    stored("A")
    built = search.indexing._built
    monkeypatch.setattr(search.indexing, "_built", lambda *given: (time.sleep(1), built(*given))[1])

    assert search.search(SearchRequest(""))["took_ms"] < 1000


def test_a_search_that_has_no_index_to_read_says_that_one_is_being_built(search, stored, monkeypatch):
    monkeypatch.setattr(indexing, "_WAIT", 0.1)
    stored("A")

    with search.indexing.generations.alone(), pytest.raises(IndexBusy) as refused:
        asked(search)

    assert refused.value.exit_code == 11


def test_the_lock_of_a_writer_that_was_killed_is_free(search, stored, tmp_path):
    stored("A")
    script = f"""if True:
        from pathlib import Path
        import os, signal
        from shopctl.catalogue.generations import Generations
        with Generations(Path({str(tmp_path / "index")!r}), "x-1").alone():
            os.kill(os.getpid(), signal.SIGKILL)"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -9

    assert asked(search)[0] == ["A"]


def test_an_open_index_outlives_its_removal(search, stored):
    stored("A")
    search.refresh()
    old = search.indexing.opened()
    path = search.indexing.generations.current()

    search.reindex()

    assert path is not None
    assert not path.exists()
    from shopctl.catalogue.ports import Question

    assert old.find(Question("a"), 10).total == 1


def test_another_engine_builds_an_index_of_its_own(search, stored, database, turned, tmp_path, engine_name):
    stored("A", name="Mug")
    search.refresh()
    [other] = {"tantivy", "whoosh"} - {engine_name}

    skus, _, notes = asked(SearchService(database, turned, engine=other, folder=tmp_path / "index", currency="USD"))

    assert (skus, len(notes)) == (["A"], 1)
    assert (tmp_path / "index" / "current").read_text().startswith(other)


def test_building_anew_leaves_one_generation_and_its_pointer(search, stored, tmp_path, engine_name):
    stored("A")
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / f"{engine_name}-1-gen_orphan").mkdir()

    assert search.reindex() | {"seconds": 0} == {"engine": engine_name, "documents": 1, "lag": 0, "seconds": 0}
    search.reindex()

    left = sorted(path.name for path in (tmp_path / "index").iterdir())
    assert left == ["current", (tmp_path / "index" / "current").read_text().strip()]


def damage_by_deleting_it(folder: Path, generation: Path) -> None:
    shutil.rmtree(folder)


def damage_by_deleting_the_generation(folder: Path, generation: Path) -> None:
    shutil.rmtree(generation)


def damage_by_emptying_its_files(folder: Path, generation: Path) -> None:
    for path in generation.iterdir():
        path.write_bytes(b"")


def damage_by_cutting_its_files(folder: Path, generation: Path) -> None:
    for path in generation.iterdir():
        os.truncate(path, path.stat().st_size // 2)


def damage_by_losing_a_file(folder: Path, generation: Path) -> None:
    max((path for path in generation.iterdir() if path.suffix in (".idx", ".seg")), key=os.path.getsize).unlink()


def damage_by_scribbling(folder: Path, generation: Path) -> None:
    for path in generation.iterdir():
        path.write_bytes(b"\xff" * path.stat().st_size)


def damage_by_an_older_format(folder: Path, generation: Path) -> None:
    old = folder / re.sub("-[0-9]+-", "-0-", generation.name, count=1)
    generation.rename(old)
    (folder / "current").write_text(old.name)


def damage_by_a_pointer_out_of_the_folder(folder: Path, generation: Path) -> None:
    (folder / "current").write_text("../../tantivy-1-x")


def damage_by_a_pointer_of_noise(folder: Path, generation: Path) -> None:
    (folder / "current").write_bytes(b"\x00\xff\x00")


@pytest.mark.parametrize(
    "damage",
    [found for name, found in sorted(globals().items()) if name.startswith("damage_")],
    ids=lambda damage: damage.__name__.removeprefix("damage_by_"),
)
def test_a_damaged_index_is_built_again_by_the_next_search(
    search: SearchService, stored: Callable[..., None], tmp_path: Path, damage: Callable[[Path, Path], None]
) -> None:
    stored(*(f"S-{number:03}" for number in range(100)), name="Blue mug")
    search.refresh()
    generation = search.indexing.generations.current()
    assert generation is not None

    damage(tmp_path / "index", generation)
    skus, lag, notes = asked(search, "mug")

    assert (len(skus), lag) == (100, 0)
    assert len(notes) == 1
    assert notes[0] in {f"{BUILT}: {why}" for why in ("there is none yet", "it is damaged", "it was never finished")}
    assert asked(search, "mug")[2] == []


def test_a_log_that_was_taken_back_is_noticed(search, database, stored):
    stored("A", "B")
    search.refresh()
    with database.unit() as unit:
        unit.execute("delete from change where product_id = 2")
        unit.execute("delete from product where id = 2")
    stored("C", at=NOW + 5)

    skus, _, notes = asked(search)

    assert skus == ["A", "C"]
    assert "restored" in notes[0]


def test_the_index_of_another_database_is_noticed(search, stored, turned, tmp_path, postgres_server, engine_name):
    from shopctl.storage.migrations import upgrade
    from support.postgres import fresh_database

    stored("A", "B")
    search.refresh()
    with fresh_database(postgres_server) as url, closing(open_database(url)) as other:
        upgrade(other, "shop")
        with other.unit() as unit:
            add(unit, "X", "Y")
        moved = SearchService(other, turned, engine=engine_name, folder=tmp_path / "index", currency="USD")

        skus, _, notes = asked(moved)

    assert skus == ["X", "Y"]
    assert "restored" in notes[0]


def test_a_position_is_noise_to_another_log(database):
    from shopctl.catalogue.ports import Position

    with database.read() as unit:
        assert positions.lag(unit, positions.latest(unit)) == 0
        assert positions.lag(unit, Position(0, "")) is None
        assert positions.lag(unit, Position(0, "[1]")) is None
        assert positions.lag(unit, Position(10**15, positions.latest(unit).mark)) is None


def test_a_change_committed_late_is_not_missed(postgres_url, turned, tmp_path, engine_name):
    # The paused transaction has the lower numbers, of changes and of transactions, and commits last.
    from shopctl.storage.migrations import upgrade

    with closing(open_database(postgres_url)) as one, closing(open_database(postgres_url)) as other:
        upgrade(one, "shop")
        search = SearchService(one, turned, engine=engine_name, folder=tmp_path / "index", currency="USD")
        with one.unit() as unit:
            add(unit, "FIRST")
        assert asked(search) == (["FIRST"], 0, [f"{BUILT}: there is none yet"])

        with other.unit() as paused:
            paused.execute("update product set name = 'Late mug', version = 2 where sku = 'FIRST'")
            paused.execute(
                """insert into change (product_id, kind, at, version, actor, previous)
                   values (1, 'update', :at, 2, 'os:anna', '{"name":"Mug"}')""",
                at=NOW,
            )
            with one.unit() as unit:
                add(unit, "SECOND")
            # What is committed above the open transaction waits for it, and is told.
            assert asked(search) == (["FIRST"], 1, [])
            assert search.refresh().lag == 1
            search.reindex()
            assert asked(search)[:2] == (["FIRST", "SECOND"], 1)
            assert asked(search, "late mug")[0] != ["FIRST"]

        skus, lag, notes = asked(search, "late")
        assert (skus, lag, notes) == (["FIRST"], 0, [])
        assert asked(search) == (["FIRST", "SECOND"], 0, [])
