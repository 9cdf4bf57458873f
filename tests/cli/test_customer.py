"""`shopctl customer`: from adding to erasing at the command line."""

from __future__ import annotations

import json

from support.shop import Shop


def test_a_customer_from_adding_to_erasing(any_shop: Shop) -> None:
    anna = any_shop
    anna.run(
        "customer", "add", "--id", "C-1", "--name", "Anna Muster", "--email", "anna@example.org", "--phone",
        "+49 30 123456", "--language", "de", "--country", "DE", "shipping.street=Hauptstr. 1", "shipping.city=Berlin",
    )  # fmt: skip
    shown = anna.run("customer", "set", "C-1", "name=Anna M.", "billing.city=Ulm", "-o", "json").json
    assert (shown["name"], len(shown["addresses"])) == ("Anna M.", 2)
    anna.run("customer", "address", "C-1", "shipping", "city=Bonn", "--default")
    saved = anna.run("customer", "payment-method", "C-1", "-", "--label", "Visa", input="pm_1234567890\n").stdout
    assert "…7890" in saved
    assert "pm_1234567890" not in saved
    everything = anna.run("customer", "show", "anna@example.org", "-o", "json").json
    assert [each["city"] for each in everything["addresses"]] == ["Berlin", "Ulm", "Bonn"]
    assert everything["payment_methods"][0]["token"] == "…7890"
    assert "Hauptstr. 1" in anna.run("customer", "show", "C-1").stdout

    assert "--confirm C-1" in anna.run("customer", "erase", "C-1", expect=2).stderr
    anna.run("customer", "erase", "C-1", "--confirm", "C-2", "--yes", expect=2)
    assert anna.run("customer", "erase", "anna@example.org", "--confirm", "C-1", "-o", "json").json == {
        "customer_id": "C-1", "state": "erased", "addresses": 3, "payment_methods": 1, "log_emptied": True,
    }  # fmt: skip
    assert anna.run("customer", "erase", "C-1", "--yes", "-o", "json").json["state"] == "erased"
    gone = anna.run("customer", "show", "C-1", "-o", "json").json
    assert (gone["state"], gone["name"], gone["email"], gone["addresses"]) == ("erased", None, None, [])
    trail = anna.run("audit", "list", "-o", "json").json
    assert [row["action"] for row in trail][::-1] == [
        "customer.add", "customer.set", "customer.set", "customer.set", "customer.erase",
    ]  # fmt: skip
    assert "Muster" not in json.dumps(trail)
    anna.run("audit", "verify")


def test_customers_are_listed_and_filtered(shop: Shop) -> None:
    shop.run("customer", "import", "-", input="customer_id,email,country\nC-1,anna@example.org,DE\nC-2,,FR\n")

    def listed(*flags: str) -> list[str]:
        return [row["customer_id"] for row in shop.run("customer", "list", "-o", "ndjson", *flags).ndjson]

    assert listed("--country", "fr") == listed("--offset", "1") == ["C-2"]
    assert listed("--email", "ANNA@example.org", "--state", "active", "--limit", "1") == ["C-1"]
    assert shop.run("customer", "list", "--state", "erased", "-o", "json").json == []


def test_what_cannot_be_is_refused(shop: Shop) -> None:
    shop.run("customer", "import", "-", input="customer_id,email\nC-1,anna@example.org\n")
    before = shop.run("customer", "show", "C-1", "-o", "json").json

    for arguments, code, exit_code in [
        (("show", "C-2"), "customer.not_found", 3),
        (("add", "--email", "Anna@Example.org"), "customer.email_taken", 5),
        (("add", "--user", "nobody"), "auth.user_not_found", 3),
        (("set", "C-1", "nmae=x"), "customer.unknown_field", 2),
        (("set", "C-1", "country=UK"), "customer.invalid_field", 12),
        (("payment-method", "C-1", "4111111111111111"), "customer.card_number", 2),
        (("payment-method", "C-1", "-"), "usage.no_secret", 2),
        (("erase", "C-2", "--yes"), "customer.not_found", 3),
        (("import", "nowhere.csv"), "not_found", 3),
        (("export", "--out", "nowhere/x.csv"), "catalogue.cannot_write", 2),
    ]:
        refused = shop.run("customer", *arguments, "-o", "json", expect=exit_code)
        assert refused.error["code"] == code
        assert "4111" not in refused.stderr
    assert shop.run("customer", "show", "C-1", "-o", "json").json == before


def test_files_go_in_and_out(shop: Shop) -> None:
    shop.run("customer", "add", "--id", "C-1", "--email", "anna@example.org", "shipping.city=Ulm")
    exported = shop.run("customer", "export").stdout
    shop.run("customer", "export", "--out", "all.ndjson")
    (shop.folder / "more.csv").write_text(exported + ",Bert,bert@example.org" + "," * 19 + "\n" + "C-3" + "," * 21)
    report = shop.run("customer", "import", "more.csv", "-o", "json").json

    assert {key: report[key] for key in ("rows", "created", "updated", "unchanged", "rejected", "rejects_file")} == {
        "rows": 3, "created": 2, "updated": 0, "unchanged": 1, "rejected": 0, "rejects_file": None,
    }  # fmt: skip
    assert shop.run("customer", "import", "all.ndjson", "-o", "json").json["unchanged"] == 1
    assert shop.run("customer", "import", "-", "-o", "json", input=exported).json["unchanged"] == 1

    bad = "customer_id;email\nC-4;dora@example.org\nC-5;emil\n"
    refused = shop.run("customer", "import", "-", "-o", "json", input=bad, expect=12)
    assert refused.json["rejects"] == [
        {"line": 3, "field": "email", "code": "email.invalid",
         "message": "it is no e-mail address; write it as name@example.org"},
    ]  # fmt: skip
    assert refused.error["code"] == "customer.rows_rejected"
    assert refused.json["rejects_file"] in refused.error["hint"]
    assert shop.run("customer", "import", "-", "--dry-run", "--detailed-exitcode", input="customer_id\nC-4\n",
                    expect=10).stdout.startswith("Dry run of standard input: 1 row")  # fmt: skip
    taken = shop.run("customer", "import", "-", "--on-error", "skip-rows", "--rejects", "-", input=bad, expect=6)
    assert taken.stdout.splitlines()[1].endswith(",C-5,emil")
    assert "1  added" in taken.stderr
    corrected = taken.stdout.replace(",emil", ",emil@example.org")
    assert shop.run("customer", "import", "-", "-o", "json", input=corrected).json["created"] == 1


def test_a_user_is_named_by_his_name_and_linked_by_his_id(shop: Shop) -> None:
    user = shop.run("user", "add", "robot", "--service", "-o", "json").json["user_id"]

    assert shop.run("customer", "add", "--id", "C-1", "--user", "robot", "-o", "json").json["user_id"] == user
    assert shop.run("customer", "add", "--id", "C-2", "--user", user, "-o", "json", expect=5).error["code"] == (
        "customer.user_taken"
    )
    imported = shop.run("customer", "import", "-", "-o", "json", input="customer_id,user\nC-1,robot\n").json
    assert imported["unchanged"] == 1
    without = {"SHOPCTL_AUTH_DATABASE_URL": "sqlite:////nowhere/auth.db"}
    assert shop.run("customer", "set", "C-1", "name=Robot", "-o", "json", env=without).json["user_id"] == user
