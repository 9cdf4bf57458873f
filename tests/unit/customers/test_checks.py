"""What the fields of a customer may hold."""

from __future__ import annotations

import pytest

from shopctl.customers.checks import CARD_NUMBER, Wrong, checked, checked_id, checked_token
from shopctl.kernel.countries import COUNTRIES

CARDS = ("4111111111111111", "4111 1111 1111 1111", "3782-822463-10005", "6011000990139424", "5555 5555 5555 4444")


def refused(field: str, value: str, rule: str | None = None) -> str:
    with pytest.raises(Wrong) as wrong:
        checked(field, value, rule)
    if len(value) > 8:
        assert value not in wrong.value.message, "a message does not repeat what may be personal"
    return wrong.value.code


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("+49 30 123456", "+4930123456"),
        ("+49 (0)30 / 12-34.56", "+4930123456"),
        ("0049 30 123456", "+4930123456"),
        ("030 123456", "030123456"),
        ("112", "112"),
        ("+1 (555) 010-9999", "+15550109999"),
        ("  ", None),
    ],
)
def test_a_telephone_number_is_stored_without_its_punctuation(given: str, stored: str | None) -> None:
    assert checked("phone", given) == stored


@pytest.mark.parametrize("given", ["12", "+49 30 12a", "+1234567890123456", "++49301234", "٠٣٠١٢٣", "1+2345"])
def test_what_cannot_be_dialled_is_no_telephone_number(given: str) -> None:
    assert refused("phone", given) == "phone.invalid"


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("de", "de"), ("DE_ch", "de-CH"), ("zh-hant-tw", "zh-Hant-TW"), ("es-419", "es-419"), ("sl-rozaj", "sl-rozaj"),
        ("de-CH-1996", "de-CH-1996"), ("en-u-ca-gregory", "en-u-ca-gregory"), ("de-x-formal", "de-x-formal"),
    ],
)  # fmt: skip
def test_a_language_is_written_as_bcp_47_writes_it(given: str, stored: str) -> None:
    assert checked("language", given) == stored


@pytest.mark.parametrize("given", ["d", "german", "de-", "de--CH", "de-CHE-x", "12", "de CH", "de-" + "a" * 9, "x"])
def test_what_is_no_language_is_refused(given: str) -> None:
    assert refused("language", given) == "language.invalid"


def test_there_are_249_countries_and_no_others() -> None:
    assert len(COUNTRIES) == 249
    assert all(len(code) == 2 and code.isupper() for code in COUNTRIES)
    assert checked("country", " de ") == "DE"
    for code in ("UK", "EU", "XX", "DEU", "D"):
        assert refused("country", code) == "country.unknown"


def test_an_address_is_checked_by_the_rule_of_users() -> None:
    assert checked("email", " Anna@Example.org ") == "Anna@Example.org"
    assert refused("email", "anna") == "email.invalid"
    assert refused("email", "a" * 65 + "@example.org") == "email.invalid"


def test_texts_are_composed_and_trimmed_and_a_street_may_have_lines() -> None:
    assert checked("name", " Zoe\u0301 ") == "Zo\u00e9"
    assert checked("shipping.street", "Hof 1\r\n2. Stock", "street") == "Hof 1\n2. Stock"
    assert refused("name", "Anna\nMuster") == "text.invalid"
    assert refused("name", "Anna\x1b[2J") == "text.invalid"
    assert refused("name", "A\ud800") == "text.invalid"
    assert refused("name", "x" * 201) == "text.too_long"
    assert checked("name", "👩‍👩‍👧‍👦 سارة‌") is not None


@pytest.mark.assure("S19")
@pytest.mark.parametrize("rule", ["name", "street", "postal_code", "label", "phone", "email", "language", "country"])
@pytest.mark.parametrize("card", CARDS)
def test_no_field_takes_a_card_number(rule: str, card: str) -> None:
    for text in (card, f"my card: {card}, thanks", f"{card}@example.org"):
        assert refused("field", text, rule) == CARD_NUMBER


@pytest.mark.assure("S19")
def test_neither_an_id_nor_a_token_is_a_card_number() -> None:
    for check in (checked_id, checked_token):
        for card in CARDS:
            with pytest.raises(Wrong):
                check("field", card)


@pytest.mark.assure("S19")
def test_a_telephone_number_that_passes_luhn_is_no_card_unless_cards_are_so_long() -> None:
    assert checked("phone", "+49 30 12345679 2") == "+49301234567 92".replace(" ", "")
    assert refused("phone", "4222222222222") == CARD_NUMBER
    assert checked("phone", "+4222222222222") == "+4222222222222"
    assert refused("phone", "+378282246310005") == CARD_NUMBER


@pytest.mark.parametrize("given", ["", "anna@example.org", "a b", "-x", "x" * 65, "ü", "a\n"])
def test_an_id_is_nothing_personal(given: str) -> None:
    with pytest.raises(Wrong):
        checked_id("id", given)


def test_an_id_of_the_caller_is_taken_as_it_is() -> None:
    for given in ("C-1001", "cus_06", "a/b#1:2", "7"):
        assert checked_id("id", given) == given
