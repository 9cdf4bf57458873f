"""Templates: which product they are for, what they inherit, what is wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shopctl.provisioning.errors import SeveralTemplates, TemplateNotFound
from shopctl.provisioning.template import inherited
from shopctl.provisioning.template_checks import TemplateChecks
from shopctl.provisioning.templates import BUNDLED, Templates, files, read
from shopctl.workflow.errors import DefinitionInvalid, NotToml

STEP = '[[steps]]\nname = "do"\naction = "timer"\nwith = { seconds = 1 }\n'


def product(**facts: Any) -> dict[str, Any]:
    return {"sku": "MUG-1", "kind": "physical", "category": "Home > Kitchen", "attributes": {}, "options": {}, **facts}


def folder(tmp_path: Path, **texts: str) -> Templates:
    for name, text in texts.items():
        (tmp_path / f"{name}.toml").write_text(text)
    return Templates(tmp_path)


def selecting(name: str, select: str) -> str:
    return f'name = "{name}"\n[select]\n{select}\n{STEP}'


@pytest.mark.parametrize("path", files(BUNDLED), ids=lambda path: path.stem)
def test_every_template_that_comes_along_can_be_read(path: Path, tmp_path: Path) -> None:
    assert Templates(tmp_path).get(read(path).name).definitions["start"].steps


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("physical", "physical-good"),
        ("digital", "digital-download"),
        ("subscription", "subscription"),
        ("service", "service-by-hand"),
        ("bundle", "bundle"),
    ],
)
def test_each_kind_of_product_has_a_template(kind: str, name: str, tmp_path: Path) -> None:
    assert Templates(tmp_path).of(product(kind=kind)).name == name


def test_a_service_with_an_api_is_asked_over_http(tmp_path: Path) -> None:
    hosted = product(kind="service", attributes={"service_url": "https://host.example"})

    assert Templates(tmp_path).of(hosted).name == "hosted-service"


@pytest.mark.parametrize(
    ("select", "facts"),
    [
        ('sku = "MUG-1"', {}),
        ('sku = "MUG-*"', {}),
        ('attributes = { fragile = "yes" }', {"attributes": {"fragile": "yes"}}),
        ('category = "Home"', {}),
        ('category = "Home > Kitchen"', {}),
    ],
)
def test_the_closer_template_is_taken(select: str, facts: dict[str, Any], tmp_path: Path) -> None:
    templates = folder(tmp_path, own=selecting("own", select))

    assert templates.of(product(**facts)).name == "own"
    assert templates.of(product(sku="TEA", category="Drinks")).name == "physical-good"


def test_two_that_fit_equally_well_are_refused(tmp_path: Path) -> None:
    templates = folder(tmp_path, a=selecting("a", 'sku = "MUG-*"'), b=selecting("b", 'sku = "*-1"'))

    with pytest.raises(SeveralTemplates, match="a, b"):
        templates.of(product())


def test_a_product_of_no_known_kind_has_no_template(tmp_path: Path) -> None:
    with pytest.raises(TemplateNotFound):
        Templates(tmp_path).of(product(kind="odd"))


def test_the_shop_s_own_file_replaces_one_of_the_same_name(tmp_path: Path) -> None:
    templates = folder(tmp_path, mine=selecting("physical-good", 'kind = "physical"'))

    assert [step.name for step in templates.of(product()).definitions["start"].steps] == ["do"]


def test_a_template_inherits_steps_changes_adds_and_removes_them(tmp_path: Path) -> None:
    own = """
name = "fragile"
extends = "physical-good"
[select]
attributes = { fragile = "yes" }
[[steps]]
name = "pick"
timeout = "2m"
[[steps]]
name = "wrap"
action = "approval"
after = "pick"
compensate = false
[[steps]]
name = "track"
remove = true
"""
    template = folder(tmp_path, fragile=own).get("fragile")

    steps = template.definitions["start"].by_name
    assert list(steps) == ["reserve", "pick", "wrap", "ship", "hand_out"]
    assert steps["pick"].seconds == 120
    assert steps["pick"].action == "pick"
    assert steps["wrap"].needs == ("pick",)
    assert template.select == {"attributes": {"fragile": "yes"}}


def test_tables_are_inherited_key_by_key() -> None:
    merged = inherited(
        {"parameters": {"type": "object", "properties": {"a": 1}}}, {"parameters": {"properties": {"b": 2}}}
    )

    assert merged == {"parameters": {"type": "object", "properties": {"a": 1, "b": 2}}}


def test_templates_that_extend_each_other_are_refused(tmp_path: Path) -> None:
    templates = folder(tmp_path, a='name = "a"\nextends = "b"\n', b='name = "b"\nextends = "a"\n')

    with pytest.raises(DefinitionInvalid, match="extends"):
        templates.get("a")


def test_what_is_wrong_in_an_operation_is_named_where_it_stands(tmp_path: Path) -> None:
    text = f'name = "a"\n{STEP}[operations.suspend]\n[[operations.suspend.steps]]\nname = "x"\n'

    with pytest.raises(DefinitionInvalid, match="line 7, column 1: step 'x' names no `action`"):
        folder(tmp_path, a=text).get("a")


def test_parameters_that_are_no_json_schema_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DefinitionInvalid, match="line 2, column 1: not a JSON Schema"):
        folder(tmp_path, a=f'name = "a"\nparameters.type = "thing"\n{STEP}').get("a")


def test_what_is_doubtful_is_named_where_it_stands_and_what_is_no_toml_keeps_nothing_from_being_checked(
    tmp_path: Path,
) -> None:
    text = """name = "doubtful"
[select]
kind = ["physical", "gadget"]
[[steps]]
name = "tell"
action = "notify"
when = "input.product.kind && input.parametres.tell"
[steps.with]
template = "x"
customer = "${input.customer.id}"
[steps.with.facts]
who = "${input.costumer.id || 'input.nothing' || steps.x.input.y}"
[result]
one = "${input.instance.id}"
two = "${input.instances}"
"""
    templates = folder(tmp_path, a="name = ", doubtful=text, extending='extends = "physical-good"\n', z="x = [1,\n\n2")
    checks = TemplateChecks(templates, {})

    rows = [row for row in checks.validate(()) if row["code"] in ("kind", "input", "not_toml")]
    named = checks.validate([str(tmp_path / "z.toml"), "a", str(tmp_path / "a.toml")])

    assert [(row["template"], row["line"], row["column"], row["severity"], row["code"]) for row in rows] == [
        ("a", 1, 8, "error", "not_toml"), ("doubtful", 3, 1, "warning", "kind"), ("doubtful", 7, 1, "warning", "input"),
        ("doubtful", 12, 1, "warning", "input"), ("doubtful", 15, 1, "warning", "input"),
        ("z", 3, 2, "error", "not_toml"),
    ]  # fmt: skip
    assert [row["template"] for row in named] == ["a", "a", "z"]
    assert "input.parametres" in rows[2]["message"]
    with pytest.raises(NotToml):
        templates.get("physical-good")


def test_nothing_is_doubtful_in_what_comes_along(tmp_path: Path) -> None:
    found = TemplateChecks(Templates(tmp_path), {}).validate(())

    assert {row["code"] for row in found} <= {"action", "compensation"}
