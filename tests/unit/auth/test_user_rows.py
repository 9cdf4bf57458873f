"""Rows of a file of users: what their cells mean, and which names their columns go by."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopctl.auth.importing.columns import named
from shopctl.auth.importing.rows import BadRow, RowReader, names_cell
from shopctl.authdb.model import checked_name
from support.users import bcrypt_hash

READER = RowReader(["shop manager"])


def read(**cells: str) -> dict[str, object]:
    """What the row of a user says apart from his name."""
    row = READER.read({"username": "anna", **cells})._asdict()
    return {name: value for name, value in row.items() if value not in (None, "") and name not in ("name", "name_key")}


def why(**cells: str) -> tuple[str, str]:
    with pytest.raises(BadRow) as raised:
        READER.read({"username": "anna", **cells})
    return raised.value.field, raised.value.why.code


@pytest.mark.parametrize(
    ("names", "columns"),
    [
        ("username,email,password_hash,roles", "username,email,password_hash,roles"),
        (
            "Username,E-Mail,passwordHash,realmRoles,createdTimestamp,enabled",
            "username,email,password_hash,roles,created_at,enabled",
        ),
        (
            "id,username,password,is_active,date_joined,last_login",
            ",username,password,enabled,created_at,last_login_at",
        ),
        ("email,name,blocked,created_at", "email,username,disabled,created_at"),
        ("name,preferred_username,Email Address", ",username,email"),
    ],
    ids=["ours", "keycloak", "django", "auth0", "full name beside"],
)
def test_columns_go_by_the_names_of_other_systems(names: str, columns: str) -> None:
    found = named(names.split(",")).columns
    assert ",".join(found.get(name, "") for name in names.split(",")) == columns


@pytest.mark.parametrize("text", ["b a", "a,b", "a|b", " a , b ", "a a b", '["b", "a", "a"]'])
def test_names_in_a_cell_are_a_set(text: str) -> None:
    assert read(roles=text) == {"roles": ("a", "b")}


def test_a_role_with_a_blank_stands_alone_or_in_a_json_list() -> None:
    assert read(roles="shop manager") == {"roles": ("shop manager",)}
    assert read(roles='["a", "shop manager"]') == {"roles": ("a", "shop manager")}


def test_an_empty_list_is_not_a_blank_cell() -> None:
    assert read(roles="[]") == {"roles": ()}
    assert read(roles=" ") == {}


def is_a_name(text: str) -> bool:
    try:
        return checked_name(text) == text
    except Exception:
        return False


@given(st.lists(st.text(max_size=8).filter(is_a_name), min_size=1, unique=True))
def test_names_are_read_as_they_are_written(names: list[str]) -> None:
    assert read(roles=names_cell(names)) == {"roles": tuple(sorted(names))}


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [
        ("2024-01-02T03:04:05Z", 1_704_164_645_000_000),
        ("2024-01-02 04:04:05.250+01:00", 1_704_164_645_250_000),
        ("2024-01-02", 1_704_153_600_000_000),
        ("1704164645", 1_704_164_645_000_000),
        ("1704164645250", 1_704_164_645_250_000),
    ],
)
def test_moments_are_read_as_keycloak_and_django_write_them(text: str, microseconds: int) -> None:
    assert read(created_at=text) == {"created_at": microseconds}


@pytest.mark.parametrize(
    ("cells", "state"),
    [
        ({"state": "Active"}, "active"),
        ({"enabled": "FALSE"}, "disabled"),
        ({"disabled": "1"}, "disabled"),
        ({"enabled": "true", "disabled": "yes"}, "disabled"),
        ({"state": "active", "enabled": "no"}, "disabled"),
    ],
)
def test_whichever_column_says_that_somebody_is_kept_out_counts(cells: dict[str, str], state: str) -> None:
    assert read(**cells) == {"state": state}


@pytest.mark.parametrize(
    ("cells", "field", "code"),
    [
        ({"created_at": "yesterday"}, "created_at", "user.not_a_time"),
        ({"last_login_at": "2h ago"}, "last_login_at", "user.not_a_time"),
        ({"kind": "robot"}, "kind", "user.not_one_of"),
        ({"enabled": "perhaps"}, "enabled", "user.not_one_of"),
        ({"roles": "[1]"}, "roles", "user.not_a_list"),
        ({"roles": "[" * 100_000}, "roles", "user.not_a_list"),
        ({"permissions": "everything"}, "permissions", "auth.invalid_permission"),
        ({"password": "sunshine"}, "password", "user.plain_password"),
        ({"password": "$2b$31$" + bcrypt_hash(1)[7:]}, "password", "auth.hash_too_costly"),
        ({"kind": "service", "password_hash": bcrypt_hash(1)}, "kind", "user.service_password"),
    ],
)
def test_what_cannot_be_read_is_named(cells: dict[str, str], field: str, code: str) -> None:
    assert why(**cells) == (field, code)


def test_no_error_repeats_a_password() -> None:
    for column in ("password", "password_hash"):
        with pytest.raises(BadRow) as raised:
            READER.read({"username": "anna", column: "sunshine 4711"})
        assert "4711" not in raised.value.why.message
