"""A mapping says what columns are called; what is wrong with it is said by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from shopctl.catalogue.feed.errors import BadMapping, NoIdentity
from shopctl.catalogue.feed.mapping import load_mapping
from unit.catalogue.feed.conftest import Reader

FEEDS = Path(__file__).parents[4] / "config" / "feeds"

GERMAN = 'Bestell-Nr.;Text;Preis netto;Lager;Gewicht;intern\n1001;Tasse für 2;"1.234,50";3;0,4;x\n'
MAPPING = """
feed = "supplier"
ignore = ["intern"]
decimal = ","

[columns]
"Bestell-Nr." = "sku"
"Text" = "name"
"Preis netto" = "price:CHF:wholesale"
"Lager" = "stock:zurich"

[constants]
brand = "Meier"

[attributes]
"Gewicht" = "weight"
"""


def test_a_mapping_names_everything(read: Reader) -> None:
    feed = read(GERMAN, mapping=MAPPING)

    product = feed["1001"]
    assert feed.feed.name == "supplier"
    assert product["name"] == "Tasse für 2"
    assert product["brand"] == "Meier"
    assert product["prices"] == (("CHF", 123450, "wholesale", 1, 0, None),)
    assert product["stock"] == (("zurich", 3),)
    assert product["extra"] == '{"weight":"0,4"}'
    assert "brand" in feed.feed.fields


def test_without_it_the_missing_sku_column_is_explained(read: Reader) -> None:
    with pytest.raises(NoIdentity) as refused:
        read(GERMAN)

    assert "Bestell-Nr., Text" in refused.value.message
    assert '"Bestell-Nr." = "sku"' in refused.value.advice
    assert refused.value.exit_code == 12


@pytest.mark.parametrize(
    ("toml", "problem"),
    [
        ("colums = 1", "'colums'"),
        ('[columns]\n"Text" = "nme"', "'nme'"),
        ('[columns]\n"Text" = "price:XXX"', "'price:XXX'"),
        ('[columns]\n"Text" = 5', "'Text'"),
        ('[columns]\n"Absent" = "name"', "'Absent'"),
        ('[columns]\n"Text" = "name"\n[attributes]\n"Text" = "x"', "twice"),
        ('[constants]\nnme = "x"', "'nme'"),
        ('encoding = "utf-9"', "utf-9"),
        ('encoding = "rot13"', "rot13"),
        ('decimal = ";"', "';'"),
        ('delimiter = ";;"', "';;'"),
        ("ignore = 5", "'ignore'"),
        ("feed = 5", "'feed'"),
        ('feed = "a\\u0000"', "'feed'"),
        ('[columns]\n"Text" = "name"\n"intern" = "name"', "'Text' and 'intern' are both mapped to 'name'"),
        ('[columns]\n"Text" = "price:EUR"\n"intern" = "price:EUR:default"', "both mapped to 'price'"),
        ("feed =", "TOML"),
    ],
)
def test_what_is_wrong_with_a_mapping_is_named(read: Reader, toml: str, problem: str) -> None:
    with pytest.raises(BadMapping) as refused:
        read(GERMAN.replace("Bestell-Nr.", "sku"), mapping=toml)

    assert problem in refused.value.message
    assert refused.value.exit_code == 2
    assert refused.value.advice


def test_a_mapping_says_how_the_file_is_written(read: Reader) -> None:
    feed = read("sku:name\nA:Gr\x94\xe1e\n".encode("latin-1"), mapping='delimiter = ":"\nencoding = "cp437"')

    assert feed["A"]["name"] == "Größe"


def test_options_named_by_the_mapping(read: Reader) -> None:
    feed = read("sku,Farbe\nA,rot\n", mapping='[columns]\n"Farbe" = "option:Colour"')

    assert feed["A"]["options"] == '{"Colour":"rot"}'


def test_a_mapping_for_json(read: Reader) -> None:
    feed = read(
        '{"articleNumber":"A","text":"Mug","kg":1.5,"secret":1}\n',
        mapping='ignore=["secret"]\n[columns]\narticleNumber="sku"\ntext="name"\n[attributes]\nkg="weight"',
    )

    assert feed["A"]["name"] == "Mug"
    assert feed["A"]["extra"] == '{"weight":1.5}'


@pytest.mark.parametrize("path", sorted(FEEDS.glob("*.toml")), ids=lambda path: path.stem)
def test_every_example_mapping_is_valid(path: Path) -> None:
    assert load_mapping(str(path)).feed == path.stem
