"""Roles inherit without cycles, and a user's permissions are explained by where they come from."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from contract.conftest import Turned
from shopctl.auth.errors import LastOwner, NothingToChange, RoleCycle, RoleExists, RoleInUse
from shopctl.auth.logins import LoginService
from shopctl.auth.permissions import InvalidPermission
from shopctl.auth.roles import RoleService
from shopctl.auth.system import AuthSystem
from shopctl.auth.users import UserService
from shopctl.authdb import accounts
from shopctl.authdb.accounts import Filters
from shopctl.authdb.errors import EmailTaken, NameTaken, RoleNotFound, UserNotFound
from shopctl.authdb.model import InvalidName
from shopctl.storage.unit import Unit

PASSWORD = "violet tractor umbrella 77"


@pytest.fixture
def roles(system: AuthSystem) -> RoleService:
    found = RoleService(system)
    found.create("reader", permissions=["catalogue:read"])
    found.create("clerk", permissions=["catalogue:write"], parents=["reader"])
    found.create("manager", permissions=["purchase:*"], parents=["clerk"])
    return found


def test_a_role_has_what_all_above_it_have(roles: RoleService, users: UserService) -> None:
    users.add_service("robot", roles=["manager"])

    assert users.show("robot")["effective_permissions"] == ["catalogue:read", "catalogue:write", "purchase:*"]
    assert roles.show("reader")["users"] == 1
    assert [each["role"] for each in roles.show("manager")["inherited"]] == ["reader", "clerk"]


@pytest.mark.parametrize(("role", "parent"), [("reader", "reader"), ("reader", "clerk"), ("reader", "manager")])
def test_no_cycle_can_be_closed(roles: RoleService, role: str, parent: str) -> None:
    with pytest.raises(RoleCycle):
        roles.permit(role, (), parents=[parent])

    assert roles.show(role)["parents"] == []


def test_two_at_once_cannot_close_a_cycle(roles: RoleService, another_system: Callable[[], AuthSystem]) -> None:
    roles.create("a")
    roles.create("b")
    raised: list[Exception] = []
    start = threading.Barrier(2)

    def inherit(role: str, parent: str) -> None:
        system = another_system()
        start.wait()
        try:
            RoleService(system).permit(role, (), parents=[parent])
        except Exception as error:
            raised.append(error)
        finally:
            system.database.close()

    threads = [threading.Thread(target=inherit, args=pair) for pair in (("a", "b"), ("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [type(error) for error in raised] == [RoleCycle]


def test_a_role_in_use_stays(roles: RoleService, users: UserService) -> None:
    with pytest.raises(RoleInUse):
        roles.delete("reader")
    users.add_service("robot", roles=["manager"])
    with pytest.raises(RoleInUse):
        roles.delete("manager")

    users.revoke("robot", roles=["manager"])
    roles.delete("manager")

    with pytest.raises(RoleNotFound):
        roles.show("manager")


def test_what_is_wrong_changes_nothing(roles: RoleService, users: UserService) -> None:
    with pytest.raises(RoleExists):
        roles.create("reader")
    with pytest.raises(InvalidPermission):
        roles.permit("reader", ["catalogue:read", "everything please"])
    with pytest.raises(RoleNotFound):
        users.add_service("robot", roles=["reader", "nobody"])
    with pytest.raises(NothingToChange):
        roles.permit("reader", [])

    assert roles.show("reader")["permissions"] == ["catalogue:read"]
    with pytest.raises(UserNotFound):
        users.show("robot")


def test_a_permission_is_explained(roles: RoleService, users: UserService) -> None:
    users.add_service("robot", roles=["manager"], permissions=["stock:write:MUG-*"])

    yes = users.explain_permission("robot", "purchase:refund")
    no = users.explain_permission("robot", "stock:write:CUP-1")

    assert (yes["allowed"], yes["by"], yes["source"]) == (True, "purchase:*", "role manager")
    assert users.explain_permission("robot", "stock:write:MUG-1")["source"] == "user"
    assert (no["allowed"], no["by"]) == (False, None)
    assert [each["permission"] for each in no["considered"]] == ["stock:write:MUG-*"]
    users.disable("robot")
    assert not users.explain_permission("robot", "purchase:refund")["allowed"]


def test_names_and_addresses_are_one_each_however_they_are_written(users: UserService) -> None:
    users.add_service("Anna", email="Anna@Example.org")

    for name in ("anna", "ANNA", "ａｎｎａ"):
        with pytest.raises(NameTaken):
            users.add_service(name)
    with pytest.raises(EmailTaken):
        users.add_service("otto", email="anna@example.ORG")
    with pytest.raises(InvalidName):
        users.add_service("anna@example.org", email="otto@example.org")
    assert users.show("ANNA@example.org")["name"] == users.show("anna")["name"] == "Anna"


def test_users_without_a_login_for_long_are_found(users: UserService, turned: Turned) -> None:
    users.add_service("old")
    turned.time += 100
    users.add_service("new")

    inactive = [user["name"] for user in users.list(Filters(inactive_since=turned.time))]

    assert inactive == ["old"]


def test_an_address_is_changed_and_taken_away(users: UserService) -> None:
    users.add_service("robot", email="a@example.org")
    users.set_email("robot", "b@example.org")
    assert users.show("b@example.org")["email"] == "b@example.org"
    with pytest.raises(UserNotFound):
        users.show("a@example.org")

    users.set_email("robot", None)

    assert users.show("robot")["email"] is None


def test_a_review_names_every_permission_with_its_source(roles: RoleService, users: UserService) -> None:
    users.add_service("robot", roles=["clerk"], permissions=["stock:read"])
    users.add_service("idle")

    rows = {(row["user"], row["permission"]): row["source"] for row in users.review()}

    assert rows == {
        ("robot", "stock:read"): "user",
        ("robot", "catalogue:read"): "role reader",
        ("robot", "catalogue:write"): "role clerk",
        ("idle", None): None,
    }


def test_what_an_operator_does_is_in_the_trail_without_addresses(system: AuthSystem, users: UserService) -> None:
    users.add_service("robot", email="robot@example.org", permissions=["stock:read"])
    users.set_email("robot", "other@example.org")
    users.disable("robot")

    entries = [*system.audit.entries(limit=99)]

    assert [entry.action for entry in entries] == ["user.disable", "user.set", "user.add"]
    assert not any("example.org" in entry.facts for entry in entries)


def test_the_last_who_may_do_everything_keeps_it(roles: RoleService, users: UserService) -> None:
    roles.create("owner", permissions=["*"])
    roles.create("founder", parents=["owner"])
    users.add_service("olga", roles=["founder"])
    users.add_service("otto")
    takings: list[Callable[[bool], object]] = [
        lambda last: users.revoke("olga", roles=["founder"], last_owner=last),
        lambda last: users.disable("olga", last_owner=last),
        lambda last: roles.forbid("owner", ["*"], last_owner=last),
        lambda last: roles.forbid("founder", [], parents=["owner"], last_owner=last),
    ]
    for take in takings:
        with pytest.raises(LastOwner):
            take(False)
    assert users.show("olga")["effective_permissions"] == ["*"]
    assert users.show("olga")["state"] == "active"

    users.grant("otto", ["*"])
    users.disable("otto")  # the last one but one
    with pytest.raises(LastOwner):
        users.revoke("olga", roles=["founder"])
    users.enable("otto")
    users.revoke("olga", roles=["founder"])
    with pytest.raises(LastOwner):
        users.revoke("otto", ["*"])
    users.revoke("otto", ["*"], last_owner=True)
    users.disable("otto")  # there is none to be lost any more


def test_two_at_once_cannot_take_it_from_the_last_two(
    users: UserService, another_system: Callable[[], AuthSystem], monkeypatch: pytest.MonkeyPatch
) -> None:
    look = accounts.has_owner

    def look_slowly(unit: Unit) -> bool:
        found = look(unit)
        time.sleep(0.1)
        return found

    monkeypatch.setattr(accounts, "has_owner", look_slowly)
    users.add_service("olga", permissions=["*"])
    users.add_service("otto", permissions=["*"])
    raised: list[Exception] = []
    start = threading.Barrier(2)

    def disable(who: str) -> None:
        system = another_system()
        service = UserService(system, LoginService(system))
        start.wait()
        try:
            service.disable(who)
        except Exception as error:
            raised.append(error)
        finally:
            system.database.close()

    threads = [threading.Thread(target=disable, args=(who,)) for who in ("olga", "otto")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [type(each) for each in raised] == [LastOwner]
