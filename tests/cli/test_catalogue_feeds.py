"""`shopctl catalogue import`, `imports` and `export` as scripts and people meet them."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import subprocess
import threading
from pathlib import Path

import pytest

from support.shop import Shop, command

FEED = "sku,name,price,stock\nA,Mug,1.00,5\nB,Cup,2.00,6\n"
BAD = FEED + "BAD,,1.00,1\n"
ASCII = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii"}


def put(shop: Shop, text: str, name: str = "feed.csv") -> Path:
    path = shop.folder / name
    path.write_text(text)
    return path


def test_the_report_has_the_keys_scripts_read(any_shop: Shop):
    report = any_shop.run("catalogue", "import", put(any_shop, FEED), "-o", "json").json

    assert list(report)[:11] == [
        "import_id", "rows", "created", "updated", "unchanged", "retired", "rejected", "superseded", "seconds",
        "rows_per_second", "rejects_file",
    ]  # fmt: skip
    assert report["import_id"].startswith("imp_")
    assert (report["rows"], report["created"], report["rejects_file"]) == (2, 2, None)
    assert report["seconds"] > 0
    again = any_shop.run("catalogue", "import", put(any_shop, FEED), "-o", "json").json
    assert (again["unchanged"], again["created"], again["updated"]) == (2, 0, 0)


def test_a_bad_row_refuses_the_file_with_exit_12(any_shop: Shop):
    refused = any_shop.run("catalogue", "import", put(any_shop, BAD), "-o", "json", expect=12)

    assert refused.error["code"] == "catalogue.rows_rejected"
    assert refused.error["message"] == "1 of 3 rows is not valid, so the file was refused; nothing was changed."
    assert refused.json["created"] == 0
    (reject,) = refused.json["rejects"]
    assert reject == {
        "line": 4, "sku": "BAD", "field": "name", "code": "name.missing", "message": "the name is empty",
        "row": ["BAD", "", "1.00", "1"],
    }  # fmt: skip
    assert refused.json["rejects_file"] in refused.error["hint"]
    assert any_shop.run("catalogue", "list", "-o", "json").json == []


def test_good_rows_go_in_with_exit_6_and_the_corrected_rest_with_0(any_shop: Shop):
    rejects = any_shop.folder / "rejects.csv"
    any_shop.run("catalogue", "import", put(any_shop, BAD), "--on-error", "skip-rows", "--rejects", rejects, expect=6)
    assert rejects.stat().st_mode & 0o777 == 0o600
    rejects.write_text(rejects.read_text().replace("BAD,,1.00", "BAD,Good,1.00"))

    report = any_shop.run("catalogue", "import", rejects, "-o", "json").json

    assert (report["rows"], report["created"]) == (1, 1)
    assert any_shop.run("catalogue", "show", "BAD", "-o", "json").json["name"] == "Good"


def test_nothing_but_bad_rows(any_shop: Shop):
    refused = any_shop.run(
        "catalogue", "import", "-", "--on-error", "skip-rows", "-o", "json", input="sku,name\nA,\nB,\n", expect=12
    )
    assert refused.error["code"] == "catalogue.nothing_usable"
    assert "the name is empty" in refused.error["hint"]


def test_rejects_on_standard_output_are_a_feed_that_can_be_piped_on(any_shop: Shop):
    done = any_shop.run(
        "catalogue", "import", put(any_shop, BAD), "--on-error", "skip-rows", "--rejects", "-", expect=6
    )

    rows = list(csv.reader(io.StringIO(done.stdout)))
    assert rows[0] == ["line", "sku", "field", "code", "message", "sku", "name", "price", "stock"]
    assert [row[:2] for row in rows[1:]] == [["4", "BAD"]]
    assert "3 rows" in done.stderr
    any_shop.run("catalogue", "import", "-", input=done.stdout.replace("BAD,,1.00", "BAD,x,1.00"))


def test_rejects_and_the_report_cannot_share_standard_output(shop: Shop):
    refused = shop.run("catalogue", "import", put(shop, BAD), "--rejects", "-", "-o", "json", expect=2)
    assert refused.error["code"] == "usage.standard_output"
    assert shop.run("catalogue", "imports", "-o", "json").json == []


@pytest.mark.parametrize("way", ["pipe", "file", "gzip", "fifo"])
def test_rows_whose_parent_is_missing_are_named_raw_wherever_they_came_from(any_shop: Shop, way: str):
    text = "sku,name,price,parent_sku\nA,Mug,1,\nV, Blue mug,01.50,NONE\n"
    rejects = any_shop.folder / "rejects.csv"
    options = ["--on-error", "skip-rows", "--rejects", rejects]
    if way == "file":
        any_shop.run("catalogue", "import", put(any_shop, text), *options, expect=6)
    elif way == "fifo":
        fifo = any_shop.folder / "fifo"
        os.mkfifo(fifo)
        writer = threading.Thread(target=lambda: fifo.write_text(text))
        writer.start()
        any_shop.run("catalogue", "import", fifo, *options, expect=6)
        writer.join()
    else:
        data = gzip.compress(text.encode()) if way == "gzip" else text
        any_shop.run("catalogue", "import", "-", *options, input=data, expect=6)

    (row,) = list(csv.reader(rejects.open(newline="")))[1:]
    assert row[:4] == ["3", "V", "parent_sku", "parent.unknown"]
    assert row[5:] == (["V", " Blue mug", "01.50", "NONE"] if way != "fifo" else [])


def test_a_dry_run_shows_the_changes_and_exit_10_says_there_are_any(any_shop: Shop):
    any_shop.run("catalogue", "import", put(any_shop, FEED))
    other = put(any_shop, FEED.replace("Mug", "Blue mug") + "C,Pot,3.00,1\n", "other.csv")

    shown = any_shop.run("catalogue", "import", other, "--dry-run", "--detailed-exitcode", expect=10)
    assert "Dry run of other.csv: 3 rows, nothing was changed" in shown.stdout
    assert "+ C  Pot" in shown.stdout
    assert "name: Mug -> Blue mug" in shown.stdout
    assert any_shop.run("catalogue", "import", other, "--dry-run", "-o", "json").json["dry_run"] is True
    same = put(any_shop, FEED)
    any_shop.run("catalogue", "import", same, "--dry-run", "--detailed-exitcode", expect=0)
    pruned = put(any_shop, FEED.replace("B,Cup,2.00,6\n", ""))
    gone = any_shop.run("catalogue", "import", pruned, "--dry-run", "--prune", "--detailed-exitcode", expect=10)
    assert "- B" in gone.stdout
    assert any_shop.run("catalogue", "show", "B", "-o", "json").json["status"] == "active"


def test_a_hint_of_a_dry_run_names_no_file_that_is_not_there(shop: Shop):
    refused = shop.run("catalogue", "import", put(shop, BAD), "--dry-run", expect=12)

    assert "the file would be refused" in refused.stderr
    assert "--rejects FILE" in refused.stderr
    assert "None" not in refused.stderr


def test_a_hint_names_the_place_where_the_rows_were_written(shop: Shop):
    bad = put(shop, BAD)
    piped = shop.run("catalogue", "import", bad, "--rejects", "-", expect=12)
    assert "hint: Correct the rows on standard output and import those." in piped.stderr
    kept = shop.run("catalogue", "import", bad, "--dry-run", "--rejects", shop.folder / "r.csv", expect=12)
    assert f"hint: Correct them in {shop.folder / 'r.csv'} and import that file." in kept.stderr
    assert "2  valid, but would not be taken with the file refused" in kept.stdout


def test_it_is_said_when_pruning_is_held_back(shop: Shop):
    records = [json.dumps({"sku": sku, "name": "n"}) for sku in "ABC"]
    shop.run("catalogue", "import", put(shop, "\n".join(records), "feed.ndjson"))
    broken = put(shop, f"{records[0]}\n{records[1]}\n{{bad", "feed.ndjson")
    options = ("--prune", "--on-error", "skip-rows")

    assert "\nNothing would be retired: line 3 may be any product.\n" in shop.run(
        "catalogue", "import", broken, *options, "--dry-run", expect=6
    ).stdout  # fmt: skip
    done = shop.run("catalogue", "import", broken, *options, "-o", "json", expect=6)
    assert (done.json["not_pruned"], done.json["retired"]) == ("line 3 may be any product", 0)


def test_the_rejects_of_a_feed_cannot_prune_it(shop: Shop):
    rejects = shop.folder / "rejects.csv"
    shop.run("catalogue", "import", put(shop, BAD), "--on-error", "skip-rows", "--rejects", rejects, expect=6)

    refused = shop.run("catalogue", "import", rejects, "--prune", "-o", "json", expect=2)

    assert refused.error["code"] == "catalogue.rejects_cannot_prune"


def test_the_summary_names_what_was_not_taken(shop: Shop):
    done = shop.run("catalogue", "import", put(shop, BAD + "A,Second,1.00,1\n"), "--on-error", "skip-rows", expect=6)

    assert done.stdout.splitlines()[0].startswith("Imported feed.csv: 4 rows, ")
    assert "  2  created" in done.stdout
    assert "  line 4  BAD  the name is empty" in done.stdout
    assert "  line 2  A  line 5 has the same SKU and wins" in done.stdout
    assert done.stderr.splitlines()[0] == "error: 1 of 4 rows was not taken; the rest is in the catalogue."


def test_product_text_in_the_summary_cannot_move_the_cursor(shop: Shop):
    done = shop.run("catalogue", "import", "-", input="sku,name\nA\x1b[2J,x\n[red]B,\n", expect=12)

    assert "\x1b" not in done.stdout + done.stderr
    assert "[red]B" in done.stdout


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "feed.empty"), (b"sku,name\n", "feed.no_rows"), (b"sku,name\n,\n", "feed.no_rows"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 100, "feed.binary"), (b"name,price\nMug,1\n", "feed.no_sku"),
        (gzip.compress(b"sku,name\nA,a\n" * 10000)[:-30], "feed.truncated"),
        (b'[{"sku":"A","name":"a"},', "feed.truncated"),
    ],
)  # fmt: skip
def test_a_broken_file_is_refused_with_exit_12_and_a_hint(shop: Shop, content: bytes, code: str):
    refused = shop.run("catalogue", "import", "-", "-o", "json", input=content, expect=12)

    assert refused.error["code"] == code
    assert refused.error["hint"]
    assert len(refused.stderr.splitlines()) == 1
    assert shop.run("catalogue", "list", "-o", "json").json == []


def test_a_file_that_is_not_there(shop: Shop):
    assert shop.run("catalogue", "import", "none.csv", "-o", "json", expect=3).error["code"] == "not_found"


def test_imports_are_listed_latest_first(any_shop: Shop):
    assert any_shop.run("catalogue", "imports", "-o", "json").json == []
    any_shop.run("catalogue", "import", put(any_shop, FEED))
    any_shop.run("catalogue", "import", put(any_shop, BAD), expect=12)

    latest, first = any_shop.run("catalogue", "imports", "-o", "json").json

    assert (latest["state"], latest["rejected"]) == ("refused", 1)
    assert (first["state"], first["created"], first["source"]) == ("done", 2, "feed.csv")
    assert first["started_at"].endswith("Z")


def test_an_import_says_why_in_the_trail(any_shop: Shop):
    any_shop.run("catalogue", "import", put(any_shop, FEED), "--reason", "spring prices")

    (entry,) = [
        entry for entry in any_shop.run("audit", "list", "-o", "json").json if entry["action"] == "catalogue.import"
    ]
    assert entry["reason"] == "spring prices"


@pytest.mark.parametrize("format", ["csv", "ndjson", "json", "xlsx"])
def test_an_export_goes_to_a_file_or_to_standard_output_alike(any_shop: Shop, format: str):
    any_shop.run("catalogue", "import", put(any_shop, FEED.replace("Mug", "Mug ü 😀")))
    out = any_shop.folder / f"out.{format}"

    told = any_shop.run("catalogue", "export", "--out", out)
    streamed = any_shop.run("catalogue", "export", "--format", format, "--out", "-", env=ASCII)

    assert told.stdout == ""
    assert told.stderr == f"2 products written to {out}\n"
    assert streamed.out == out.read_bytes() if format != "xlsx" else streamed.out[:2] == b"PK"
    if format == "xlsx":
        again = any_shop.run("catalogue", "import", "-", "-o", "json", input=streamed.out).json
        assert again["unchanged"] == 2
    assert any_shop.run("catalogue", "export", "--out", out, "--quiet").stderr == ""


def test_an_export_is_csv_unless_its_name_says_otherwise(shop: Shop):
    shop.run("catalogue", "import", put(shop, FEED))

    assert shop.run("catalogue", "export").stdout.startswith("sku,parent_sku,")
    shop.run("catalogue", "export", "--out", shop.folder / "out.dat")
    assert (shop.folder / "out.dat").read_text().startswith("sku,parent_sku,")


def test_an_export_of_the_past(any_shop: Shop):
    any_shop.run("catalogue", "import", put(any_shop, FEED))
    then = any_shop.run("catalogue", "export", "--format", "ndjson").ndjson
    moment = any_shop.run("catalogue", "show", "A", "-o", "json").json["updated_at"]
    any_shop.run("catalogue", "set", "A", "name=Other")

    assert any_shop.run("catalogue", "export", "--format", "ndjson", "--at", "2020-01-01").ndjson == []
    now = any_shop.run("catalogue", "export", "--format", "ndjson").ndjson
    assert [record["name"] for record in now] == ["Other", "Cup"]
    assert len(then) == 2
    assert moment <= any_shop.run("catalogue", "show", "A", "-o", "json").json["updated_at"]


def test_an_export_for_spreadsheets(shop: Shop):
    shop.run("catalogue", "import", "-", input=json.dumps({"sku": "A", "name": "=1+1"}))

    assert ",'=1+1," in shop.run("catalogue", "export", "--escape-formulas").stdout
    assert ",=1+1," in shop.run("catalogue", "export").stdout
    refused = shop.run("catalogue", "export", "--escape-formulas", "--format", "json", expect=2)
    assert "CSV" in refused.stderr


def test_a_place_that_cannot_be_written(shop: Shop):
    refused = shop.run("catalogue", "export", "--out", "none/out.csv", "-o", "json", expect=2)
    assert refused.error["code"] == "catalogue.cannot_write"
    refused = shop.run("catalogue", "import", put(shop, FEED), "--rejects", "none/r.csv", "-o", "json", expect=2)
    assert "--rejects" in refused.error["hint"]


def test_the_formats_that_do_not_exist_are_named(shop: Shop):
    assert "csv" in shop.run("catalogue", "export", "--format", "pdf", expect=2).stderr
    assert "csv" in shop.run("catalogue", "import", put(shop, FEED), "--format", "pdf", expect=2).stderr


def test_a_mapping_is_found_by_its_name(shop: Shop):
    (shop.folder / "mappings").mkdir()
    put(shop, '[columns]\n"Nummer" = "sku"\n', "mappings/supplier.toml")
    feed = put(shop, "Nummer,name\nA,Mug\n")

    assert shop.run("catalogue", "import", feed, "--mapping", "supplier", "-o", "json").json["created"] == 1
    unknown = shop.run("catalogue", "import", feed, "--mapping", "suplier", expect=3)
    assert f"The mapping {shop.folder / 'mappings' / 'suplier.toml'} was not found." in unknown.stderr


def test_standard_input_that_is_closed(shop: Shop):
    done = subprocess.run(
        ["sh", "-c", '"$@" <&-', "sh", *command("catalogue", "import", "-", "-o", "json")],
        cwd=shop.folder,
        env=shop.environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert json.loads(done.stderr)["error"]["message"] == "standard input cannot be read: it is closed."
