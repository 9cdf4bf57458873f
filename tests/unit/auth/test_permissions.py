"""What a permission covers, and what is left of permissions inside a scope."""

from __future__ import annotations

import pytest

from shopctl.auth.permissions import InvalidPermission, checked, covers, is_known, narrowed


@pytest.mark.parametrize(
    ("held", "asked"),
    [
        ("*", "catalogue:write"),
        ("*", "*"),
        ("catalogue:write", "catalogue:write"),
        ("catalogue:write", "catalogue:write:MUG-1"),
        ("catalogue:*", "catalogue:write"),
        ("*:read", "purchase:read"),
        ("*:*", "purchase:read:pur_1"),
        ("catalogue:write:MUG-*", "catalogue:write:MUG-1"),
        ("catalogue:write:*-1", "catalogue:write:MUG-1"),
        ("catalogue:write:M*G*1", "catalogue:write:MUG-1"),
        ("catalogue:write:*", "catalogue:write:MUG-1"),
    ],
)
def test_what_covers(held: str, asked: str) -> None:
    assert covers(held, asked)


@pytest.mark.parametrize(
    ("held", "asked"),
    [
        ("catalogue:read", "catalogue:write"),
        ("catalogue:*", "catalogues:read"),
        ("catalogue:*", "*"),
        ("catalogue:write:MUG-*", "catalogue:write"),
        ("catalogue:write:MUG-*", "catalogue:write:CUP-1"),
        ("catalogue:write:MUG-?", "catalogue:write:MUG-1"),
        ("catalogue:write:M*GG*G", "catalogue:write:MGG"),
        ("catalogue:write:mug", "catalogue:write:MUG"),
    ],
)
def test_what_does_not(held: str, asked: str) -> None:
    assert not covers(held, asked)


def test_a_scope_leaves_the_narrower_of_each_pair() -> None:
    held = ["catalogue:*", "purchase:refund:pur_1*", "stock:read"]

    assert narrowed(held, ["catalogue:read", "purchase:*", "payment:void"]) == [
        "catalogue:read",
        "purchase:refund:pur_1*",
    ]
    assert narrowed(held, ["*"]) == held
    assert narrowed(["*"], ["stock:read"]) == ["stock:read"]
    assert narrowed(held, []) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "catalogue",
        "catalogue:",
        ":write",
        "Catalogue:write",
        "a:b:",
        "a:b:c d",
        "a:b\n",
        "**",
        'a:b:"',
        "a:" + "b" * 300,
    ],
)
def test_what_is_no_permission(text: str) -> None:
    with pytest.raises(InvalidPermission):
        checked(text)


def test_a_slip_of_the_finger_is_known_for_one() -> None:
    assert is_known("catalogue:write:MUG-1")
    assert is_known("*:read")
    assert is_known("catalogue:*")
    assert not is_known("catalouge:write")
    assert not is_known("catalogue:wirte")
