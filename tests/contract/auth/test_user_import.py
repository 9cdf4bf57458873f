"""Users out of files, on both databases: taken whole or row by row, each bad row named, once and for all."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from contract.conftest import Turned
from shopctl.auth.importing import reading as importing
from shopctl.auth.importing.errors import (
    NoUserColumn,
    OtherImportStopped,
    UserRowsRejected,
    UserRowsSkipped,
    UsersChanged,
)
from shopctl.auth.importing.report import Counts, UserImport
from shopctl.auth.importing.storing import Store
from shopctl.auth.jose.errors import TokenRefused
from shopctl.auth.logins import LoginService
from shopctl.auth.roles import RoleService
from shopctl.auth.system import AuthSystem
from shopctl.auth.tokens import Tokens, TokenService
from shopctl.auth.users import UserService
from shopctl.auth.verifying import VerificationService
from shopctl.authdb import accounts, credentials
from shopctl.storage.sealing_keys import add_key
from support.feeds import content, csv_text
from support.users import HEADER, UserFiles, bcrypt_hash, counted, many, number_of_users, whys

PASSWORD = "violet tractor umbrella 77"


@pytest.fixture
def files(system: AuthSystem, tmp_path: Path) -> UserFiles:
    for role in ("customer", "staff", "shop manager"):
        RoleService(system).create(role)
    return UserFiles(system, tmp_path)


@pytest.fixture
def bcrypt_of_password() -> str:
    import bcrypt

    return bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()


def stored_hash(system: AuthSystem, name: str) -> str | None:
    with system.database.read() as unit:
        account = accounts.need(unit, system.sealer, name)
        return credentials.password_hash(unit, system.sealer, account.id)


def login(system: AuthSystem, name: str = "anna", password: str = PASSWORD) -> Tokens:
    return TokenService(system, LoginService(system)).issue_to_user(name, password, scope=(), source="home")


def is_refused(system: AuthSystem, issued: Tokens) -> bool:
    try:
        VerificationService(system).verify(issued.access_token)
    except TokenRefused:
        return True
    return False


def test_users_are_added_with_all_that_the_file_says(
    files: UserFiles, users: UserService, system: AuthSystem, turned: Turned
) -> None:
    header = "username,email,password_hash,roles,permissions,state,created_at,last_login_at"
    report = files.take(
        csv_text(
            header,
            ("anna", "Anna@example.org", bcrypt_hash(1), "customer|staff", "stock:read", "disabled", "2024-01-02", ""),
            ("Bob", "", "", "shop manager", "", "", "", "2025-06-07T08:09:10+02:00"),
        )
    )

    assert counted(report) == {"rows": 2, "created": 2}
    anna, bob = users.show("anna"), users.show("bob")
    assert (anna["email"], anna["roles"], anna["permissions"]) == (
        "Anna@example.org",
        ["customer", "staff"],
        ["stock:read"],
    )
    assert (anna["state"], anna["kind"], anna["created_at"]) == ("disabled", "person", "2024-01-02T00:00:00Z")
    assert (bob["name"], bob["roles"], bob["last_login_at"]) == ("Bob", ["shop manager"], "2025-06-07T06:09:10Z")
    assert users.show("ANNA@EXAMPLE.ORG")["user_id"] == anna["user_id"]
    assert stored_hash(system, "anna") == bcrypt_hash(1)
    assert stored_hash(system, "bob") is None
    assert users.hashes() == [{"kind": "bcrypt cost 12", "passwords": 1}]


def test_an_imported_hash_logs_in_and_is_upgraded(
    files: UserFiles, system: AuthSystem, bcrypt_of_password: str
) -> None:
    files.take(csv_text(HEADER, ("anna", "", bcrypt_of_password, "")))

    LoginService(system).prove("anna", PASSWORD, code=None, source="home")

    assert (stored_hash(system, "anna") or "").startswith("$shopctl$1$")


def test_nothing_personal_is_readable_in_the_database(files: UserFiles, system: AuthSystem) -> None:
    files.take(csv_text(HEADER, ("anna", "canary@example.org", bcrypt_hash(1), "")))

    assert not {"canary", bcrypt_hash(1)} & {
        word for rows in content(system.database).values() for word in str(rows).replace("@", " ").split()
    }


def test_the_same_file_again_changes_nothing(files: UserFiles, system: AuthSystem) -> None:
    text = many(30)
    files.take(text)
    before = content(system.database)

    assert counted(files.take(text)) == {"rows": 30, "unchanged": 30}
    assert content(system.database) == before


def test_the_same_file_again_brings_no_password_back(
    files: UserFiles, users: UserService, system: AuthSystem, bcrypt_of_password: str
) -> None:
    text = csv_text(HEADER, ("anna", "", bcrypt_of_password, ""), ("bob", "", bcrypt_of_password, ""))
    files.take(text)
    issued = login(system)  # which makes a hash of our own of it
    users.set_password("bob", "another umbrella, 88 of them")
    upgraded, chosen = stored_hash(system, "anna"), stored_hash(system, "bob")

    assert counted(files.take(text)) == {"rows": 2, "unchanged": 2}
    assert (stored_hash(system, "anna"), stored_hash(system, "bob")) == (upgraded, chosen)
    assert not is_refused(system, issued)


@pytest.mark.assure("S9")
def test_who_loses_something_is_logged_out(files: UserFiles, users: UserService, system: AuthSystem) -> None:
    changes: dict[str, dict[str, object]] = {
        "anna": {"password_hash": bcrypt_hash(2)},
        "bob": {"roles": "customer"},
        "carla": {"enabled": False},
        "dimitri": {"permissions": ["stock:write"]},
        "eva": {"roles": ["customer", "shop manager", "staff"], "email": "eva@example.org"},
    }
    for name in changes:
        users.add_person(name, PASSWORD, email=None, roles=["customer", "staff"], permissions=["stock:read"])
    issued = {name: login(system, name) for name in changes}

    files.rows(*({"username": name, **change} for name, change in changes.items()))

    assert [name for name in changes if not is_refused(system, issued[name])] == ["eva"]
    with system.database.read() as unit:
        assert unit.value("select count(*) from session where ended_at is not null") == 4


def test_what_the_file_says_replaces_and_what_it_leaves_blank_stays(files: UserFiles, users: UserService) -> None:
    files.take(csv_text(HEADER, ("anna", "a@example.org", bcrypt_hash(1), "customer,staff"), ("bob", "", "", "staff")))

    report = files.take(
        csv_text(HEADER, ("anna", "", "", "shop manager"), ("BOB", "b@example.org", bcrypt_hash(2), ""))
    )

    assert counted(report) == {"rows": 2, "updated": 2}
    anna, bob = users.show("anna"), users.show("bob")
    assert (anna["email"], anna["roles"]) == ("a@example.org", ["shop manager"])
    assert (bob["name"], bob["email"], bob["roles"]) == ("bob", "b@example.org", ["staff"])


def test_without_a_name_a_user_goes_by_his_address(files: UserFiles, users: UserService) -> None:
    files.rows({"email": "eva@example.org"}, {"username": "anna", "email": "anna@example.org"})

    report = files.rows({"email": "EVA@example.org", "roles": ["staff"]}, {"email": "anna@example.org", "roles": []})

    assert counted(report) == {"rows": 2, "updated": 1, "unchanged": 1}
    assert (users.show("eva@example.org")["name"], users.show("eva@example.org")["email"]) == (
        "eva@example.org",
        "EVA@example.org",
    )


def test_addresses_pass_from_one_to_another(files: UserFiles, users: UserService) -> None:
    files.take(csv_text("username,email", ("anna", "a@example.org"), ("bob", "b@example.org")))

    report = files.take(
        csv_text("username,email", ("anna", "c@example.org"), ("bob", "a@example.org"), ("eva", "b@example.org"))
    )

    assert counted(report) == {"rows": 3, "created": 1, "updated": 2}
    assert [users.show(name)["email"] for name in ("anna", "bob", "eva")] == [
        "c@example.org",
        "a@example.org",
        "b@example.org",
    ]


def test_addresses_pass_along_a_queue_in_one_file(files: UserFiles, users: UserService) -> None:
    people = [f"user{number:03}" for number in range(300)]
    files.take(csv_text("username,email", *((name, f"{name}@example.org") for name in people)))
    # The last one leaves and each takes the address of the one behind, so that no order of the table is the file's.
    wanted = {name: f"{after}@example.org" for name, after in zip(people, [*people[1:], "away"], strict=True)}

    report = files.take(csv_text("username,email", *reversed(wanted.items())))

    assert counted(report) == {"rows": 300, "updated": 300}
    assert {name: record["email"] for name, record in files.records().items()} == wanted


BAD = (
    ("anna", "not-an-address", "", "", "email", "email.invalid"),
    ("anna", "", "plain text", "", "password_hash", "auth.unknown_hash"),
    ("anna", "", "$2b$31$" + bcrypt_hash(1)[7:], "", "password_hash", "auth.hash_too_costly"),
    ("anna", "", "", "pirate", "roles", "auth.role_not_found"),
    ("anna", "taken@example.org", "", "", "email", "auth.email_taken"),
    ("", "", "", "staff", "username", "user.nobody_named"),
    ("anna@example.org", "other@example.org", "", "", "username", "auth.invalid_name"),
    ("usr_01", "", "", "", "username", "auth.invalid_name"),
    ("", "moved@example.org", "", "", "email", "auth.name_taken"),
    ("first", "", "", "", "username", "user.twice"),
    ("eva", "First@example.org", "", "", "email", "user.twice"),
    ("robot", "", bcrypt_hash(1), "", "password_hash", "user.service_password"),
)


def test_bad_rows_are_named_and_the_good_ones_go_in_when_asked(
    files: UserFiles, users: UserService, system: AuthSystem
) -> None:
    users.add_service("robot", email="taken@example.org")
    files.rows({"email": "moved@example.org"})
    users.set_email("moved@example.org", "away@example.org")
    before = content(system.database)
    cells = [row[:4] for row in BAD]
    named = [(line, *row[4:]) for line, row in enumerate(BAD, 3)]
    text = csv_text(HEADER, ("first", "first@example.org", "", ""), *cells, ("last", "", "", ""))

    refused = files.take(text)

    assert counted(refused) == {"rows": len(BAD) + 2, "rejected": len(BAD)}
    assert whys(refused) == named
    assert content(system.database) == before
    with pytest.raises(UserRowsRejected, match="12 of 14 rows are not valid"):
        refused.raise_for_rejects()

    skipped = files.take(text, on_error="skip-rows")

    assert counted(skipped) == {"rows": len(BAD) + 2, "created": 2, "rejected": len(BAD)}
    assert whys(skipped) == named
    with pytest.raises(UserRowsSkipped, match="12 of 14 rows were not taken"):
        skipped.raise_for_rejects()


@pytest.mark.parametrize("batch", [2, 5000])
@pytest.mark.parametrize("others", [False, True])
def test_whoever_a_file_names_twice_is_named_with_the_line_of_the_first(
    files: UserFiles, users: UserService, monkeypatch: pytest.MonkeyPatch, batch: int, others: bool
) -> None:
    monkeypatch.setattr(importing, "BATCH", batch)
    if others:  # else it is the first import of all, which looks nothing up
        users.add_service("robot")
    rows = (
        ("anna", "a@example.org", "", ""),
        ("bob", "b@example.org", "", ""),
        ("ANNA", "", "", ""),
        ("", "A@example.org", "", ""),
        ("carla", "B@example.org", "", ""),
        ("bob", "a@example.org", "", ""),
        ("", "eva@example.org", "", ""),
        ("eva@example.org", "Eva@example.org", "", ""),
    )

    report = files.take(csv_text(HEADER, *rows))

    assert {each["code"] for each in report.rejects} == {"user.twice"}
    said = [re.search(r"as line (\d+);", each["message"]) for each in report.rejects]
    found = zip(report.rejects, said, strict=True)
    assert [(each["line"], each["field"], int(line[1]) if line else 0) for each, line in found] == [
        (4, "username", 2),
        (5, "username", 2),
        (6, "email", 3),
        (7, "email", 2),
        (9, "username", 8),
    ]


def test_rejects_are_corrected_and_imported(files: UserFiles) -> None:
    report = files.take(csv_text(HEADER, ("anna", "", "", "pirate"), ("bob", "", "", "staff")), on_error="skip-rows")
    assert report.rejects_file is not None
    rejects = Path(report.rejects_file)
    assert stat.S_IMODE(rejects.stat().st_mode) == 0o600

    rejects.write_text(rejects.read_text().replace("pirate\n", "staff\n"))

    assert counted(files.take(rejects)) == {"rows": 1, "created": 1}


@pytest.mark.assure("S18")
@pytest.mark.parametrize("format", ["csv", "ndjson"])
def test_a_plain_password_is_refused_and_written_nowhere(files: UserFiles, system: AuthSystem, format: str) -> None:
    if format == "csv":
        report = files.take(csv_text("username,Password", ("anna", "canary 4711"), ("bob", bcrypt_hash(1))))
    else:
        report = files.rows({"username": "anna", "password": "canary 4711"}, {"username": "bob"})

    assert whys(report) == [(2 if format == "csv" else 1, "password", "user.plain_password")]
    assert "canary 4711" not in str(report.as_dict())
    assert report.rejects_file is not None
    assert "canary 4711" not in Path(report.rejects_file).read_text()
    assert "canary 4711" not in str(content(system.database))


def test_a_column_named_password_may_hold_hashes(files: UserFiles, system: AuthSystem) -> None:
    files.take(csv_text("username,password,is_active,date_joined", ("anna", bcrypt_hash(1), "False", "2020-01-01")))

    assert stored_hash(system, "anna") == bcrypt_hash(1)
    assert files.records()["anna"]["state"] == "disabled"


def test_unknown_columns_are_named_and_ignored(files: UserFiles) -> None:
    report = files.take(csv_text("username,shoe size,name", ("anna", 38, "Anna Muster")))

    assert counted(report) == {"rows": 1, "created": 1}
    assert report.ignored == ["shoe size", "name"]


def test_a_file_without_names_is_refused(files: UserFiles) -> None:
    with pytest.raises(NoUserColumn, match="'sku', 'price'"):
        files.take(csv_text("sku,price", ("A", 1)))


@pytest.mark.parametrize("on_error", ["reject-file", "skip-rows"])
def test_a_dry_run_counts_and_changes_nothing(
    files: UserFiles, system: AuthSystem, monkeypatch: pytest.MonkeyPatch, on_error: str
) -> None:
    monkeypatch.setattr(importing, "BATCH", 3)
    files.take(csv_text(HEADER, ("user1", "", bcrypt_hash(1), "staff")))
    before = content(system.database)

    report = files.take(many(10), on_error=on_error, dry_run=True)

    assert counted(report) == {"rows": 10, "created": 9, "updated": 1}
    assert content(system.database) == before


@pytest.mark.assure("R18")
@pytest.mark.parametrize("on_error", ["reject-file", "skip-rows"])
def test_a_killed_import_is_resumed_by_running_it_again(
    files: UserFiles, system: AuthSystem, monkeypatch: pytest.MonkeyPatch, on_error: str
) -> None:
    monkeypatch.setattr(importing, "BATCH", 4)
    saved, save = [], Store.save

    def dies(self: Store, decided: object) -> None:
        save(self, decided)  # type: ignore[arg-type]
        saved.append(decided)
        if len(saved) == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Store, "save", dies)
        files.take(many(20), on_error=on_error)
    with system.database.read() as unit:
        committed = number_of_users(unit)
    assert committed == (8 if on_error == "skip-rows" else 0)

    resumed = files.take(many(20), on_error=on_error)

    assert (resumed.counts.created, resumed.counts.unchanged) == (20 - committed, committed)
    assert len(files.records()) == 20


@pytest.fixture
def stopped(files: UserFiles, users: UserService, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of 20 rows whose import was killed after the eighth; it has bad ones before and after that."""
    monkeypatch.setattr(importing, "BATCH", 4)
    files.rows({"email": "nameless@example.org"})
    rows = [(f"user{n}", f"user{n}@example.org", bcrypt_hash(n), "customer") for n in range(20)]
    rows[1] = ("user1", "canary", "", "")
    rows[2] = ("user2", "", "", "pirate")
    rows[5] = ("", "NAMELESS@example.org", "", "staff")
    rows[12] = ("user1", "", "", "")
    rows[13] = ("user3", "", "", "")
    rows[14] = ("", "nameless@example.org", "", "")
    path, taken = files.file(csv_text(HEADER, *rows)), []

    def dies(_: int, counts: Counts) -> None:
        taken.append(counts)
        if len(taken) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        files.imports.run(UserImport(str(path), "skip-rows"), dies)
    assert users.show("nameless@example.org")["roles"] == ["staff"]
    return path


@pytest.mark.assure("R18")
def test_a_resumed_import_goes_on_where_it_stopped_and_tells_of_the_whole_file(
    files: UserFiles, system: AuthSystem, users: UserService, stopped: Path
) -> None:
    users.disable("user0")  # and is not looked at again
    assert "canary" not in str(content(system.database))

    report = files.take(stopped, on_error="skip-rows", resume=True)

    assert report.resumed
    assert counted(report) == {"rows": 20, "created": 15, "updated": 1, "rejected": 4}
    assert [(each["line"], each["code"]) for each in report.rejects] == [
        (3, "email.invalid"),
        (4, "auth.role_not_found"),
        (15, "user.twice"),
        (16, "user.twice"),
    ]
    assert [re.findall(r"as line (\d+);", each["message"]) for each in report.rejects[2:]] == [["5"], ["7"]]
    assert report.rejects_file is not None
    rejects = Path(report.rejects_file).read_text().splitlines()
    assert rejects[1].endswith("user1,canary,,")
    assert rejects[2].endswith("user2,,,pirate")
    assert users.show("user0")["state"] == "disabled"
    with system.database.read() as unit:
        assert [unit.value(f"select count(*) from {table}") for table in ("user_import", "user_import_reject")] == [
            0,
            0,
        ]


def test_another_file_is_not_what_stopped(files: UserFiles, stopped: Path) -> None:
    stopped.write_text(stopped.read_text() + "late,,,\n")

    with pytest.raises(OtherImportStopped, match=r"that was users.csv, at line 9"):
        files.take(stopped, on_error="skip-rows", resume=True)

    anew = files.take(stopped, on_error="skip-rows")
    assert (anew.resumed, anew.counts.rows, anew.counts.unchanged, anew.counts.rejected) == (False, 21, 6, 4)
    assert not files.take(stopped, on_error="skip-rows", resume=True).resumed, "nothing is left to go on with"


def test_a_user_added_meanwhile_stops_the_import_and_not_the_database(
    files: UserFiles, system: AuthSystem, another_system: Callable[[], AuthSystem], monkeypatch: pytest.MonkeyPatch
) -> None:
    other, save = another_system(), Store.save
    text = csv_text(HEADER, ("anna", "", bcrypt_hash(1), ""), ("bob", "", "", ""))

    def overtaken(self: Store, decided: object) -> None:
        UserService(other, LoginService(other)).add_person("anna", PASSWORD, email=None)
        save(self, decided)  # type: ignore[arg-type]

    if system.database.dialect == "sqlite":
        pytest.skip("one writer at a time")
    UserService(system, LoginService(system)).add_service("robot")  # the first import of all shuts others out
    with monkeypatch.context() as patched, pytest.raises(UsersChanged):
        patched.setattr(Store, "save", overtaken)
        files.take(text)

    assert counted(files.take(text)) == {"rows": 2, "created": 1, "updated": 1}


@pytest.mark.parametrize("format", ["csv", "ndjson"])
def test_an_export_changes_nothing_when_it_is_imported_again(
    files: UserFiles, users: UserService, system: AuthSystem, format: str
) -> None:
    hostile = 'Ünï, "quoted" | [x]'
    users.add_person("anna", PASSWORD, email="Anna@Example.org", roles=["shop manager", "staff"])
    users.add_service(hostile, permissions=["purchase:refund:a,b|c", "stock:read"])
    files.take(many(10))
    users.disable("user3")
    before = content(system.database)

    path, exported = files.export(format)  # type: ignore[arg-type]

    assert exported == (12, 1, 1, 0)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert counted(files.take(path)) == {"rows": 12, "unchanged": 12}
    assert content(system.database) == before


def test_an_export_makes_the_same_users_in_an_empty_shop(
    files: UserFiles, users: UserService, system: AuthSystem
) -> None:
    users.add_person("anna", PASSWORD, email="a@example.org", roles=["shop manager", "staff"])
    users.add_service("robot", permissions=["purchase:refund:a,b|c", "stock:read"])
    files.take(many(5))
    users.disable("user3")
    before = files.records()
    path, _ = files.export("csv")
    with system.database.unit() as unit:
        unit.execute("delete from account")

    assert counted(files.take(path)) == {"rows": 7, "created": 7}
    assert files.records() == before
    login(system)


def test_a_hash_of_another_shop_is_left_out_and_counted(
    files: UserFiles, users: UserService, system: AuthSystem
) -> None:
    users.add_person("anna", PASSWORD, email=None)
    record = files.records()["anna"]
    elsewhere = [record | {"username": "bob", "password_origin": "0" * 16}, record | {"password_origin": ""}]

    report = files.rows(*elsewhere)

    assert counted(report) == {"rows": 2, "created": 1, "unchanged": 1, "passwords_left_out": 2}
    assert stored_hash(system, "bob") is None
    assert stored_hash(system, "anna") == record["password_hash"]


def test_an_export_without_hashes_leaves_passwords_alone(
    files: UserFiles, users: UserService, system: AuthSystem
) -> None:
    users.add_person("anna", PASSWORD, email=None)
    path, _ = files.export("csv", hashes=False)
    assert "$" not in path.read_text()

    assert counted(files.take(path)) == {"rows": 1, "unchanged": 1}
    login(system)


def test_the_trail_has_the_import_without_anybody_in_it(files: UserFiles, system: AuthSystem) -> None:
    report = files.take(many(3))
    files.take(many(3))

    (entry,) = system.audit.entries(action="user.import", limit=10)

    assert (entry.changed, json.loads(entry.facts)["import_id"]) == (3, report.import_id)
    assert "user1" not in entry.facts


def test_an_import_is_found_while_keys_are_being_replaced(
    files: UserFiles, system: AuthSystem, users: UserService
) -> None:
    files.take(csv_text("username,email", ("anna", "anna@example.org")))
    with system.database.unit() as unit:
        old = unit.value("select id from sealing_key where purpose = 'index'")
        unit.execute("update sealing_key set state = 'retiring' where id = :id", id=old)
        add_key(unit, "auth", system.sealer.unwrapping.keks.current, "index")

    report = files.rows({"email": "ANNA@example.org", "roles": ["staff"]}, {"email": "bob@example.org"})

    assert counted(report) == {"rows": 2, "created": 1, "updated": 1}
