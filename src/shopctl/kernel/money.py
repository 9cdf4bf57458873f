"""Money as integers: minor units of an ISO 4217 currency, read and shown exactly, never through a binary float."""

from __future__ import annotations

import re

from shopctl.kernel.errors import InvalidData

_BY_EXPONENT = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: """AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF
          CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL
          HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU
          MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR
          SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED
          VES WST XAD XCD XCG YER ZAR ZMW ZWG""",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
EXPONENTS: dict[str, int] = {code: exponent for exponent, codes in _BY_EXPONENT.items() for code in codes.split()}
"""Active ISO 4217 codes with the digits of their minor unit (codes without one, as XAU, cannot be paid in)."""

LARGEST = 2**63 - 1  # what a BIGINT column holds

_AMOUNT = re.compile(r"([+-]?)([0-9]+)(?:\.([0-9]+))?")


class UnknownCurrency(InvalidData):
    """{currency!r} is not an active ISO 4217 currency code."""

    code = "money.currency"
    hint = "Use the three letters of the currency, such as EUR or USD."


class NotAnAmount(InvalidData):
    """{text!r} is not an amount of money."""

    code = "money.amount"
    hint = "Write it with a decimal point and no separators, such as 1234.56."


class TooPrecise(InvalidData):
    """{text} has more decimals than {currency} allows ({exponent})."""

    code = "money.precision"
    hint = "Round the amount at its source; shopctl never rounds money by itself."


class OutOfRange(InvalidData):
    """{text} is too large for an amount of money."""

    code = "money.range"
    hint = "Amounts are kept as 64-bit integers of the minor unit."


def exponent_of(currency: str) -> int:
    """Digits of the minor unit: 2 for EUR, 0 for JPY, 3 for KWD. Raises UnknownCurrency."""
    try:
        return EXPONENTS[currency]
    except KeyError:
        raise UnknownCurrency(currency=currency) from None


def parse(text: str, currency: str) -> int:
    """Minor units of a decimal such as "19.99" or "-5"; zeros beyond the currency's decimals are harmless.

    Raises UnknownCurrency, NotAnAmount, TooPrecise, OutOfRange. Separators and exponents (1e5) are not amounts.
    """
    exponent = exponent_of(currency)
    match = _AMOUNT.fullmatch(text)
    if match is None:
        raise NotAnAmount(text=text[:40])
    sign, whole, fraction = match[1], match[2].lstrip("0"), (match[3] or "").rstrip("0")
    if len(fraction) > exponent:
        raise TooPrecise(text=text[:40], currency=currency, exponent=exponent)
    if len(whole) > 19:
        raise OutOfRange(text=text[:20] + "…")
    amount = int((whole + fraction.ljust(exponent, "0")) or "0")
    if amount > LARGEST:
        raise OutOfRange(text=text[:40])
    return -amount if sign == "-" else amount


def show(amount_minor: int, currency: str) -> str:
    """The amount as a decimal: 1999 EUR -> "19.99", 1999 JPY -> "1999", -5 USD -> "-0.05". Raises UnknownCurrency."""
    exponent = exponent_of(currency)
    if not exponent:
        return str(amount_minor)
    digits = str(abs(amount_minor)).rjust(exponent + 1, "0")
    return f"{'-' if amount_minor < 0 else ''}{digits[:-exponent]}.{digits[-exponent:]}"
