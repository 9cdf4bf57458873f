"""What `shopctl user mfa` does: a QR code in the terminal, the first code, recovery codes shown once."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from shopctl.cli import secrets

if TYPE_CHECKING:
    from shopctl.auth.second_factors import Enrolment
    from shopctl.cli.shop import Shop


def change(
    shop: Shop, name: str, *, enrol: bool, confirm: bool, recovery_codes: bool, remove: bool, stdin: bool
) -> None:
    """Do what was asked, or show how it is."""
    factors = shop.services.second_factors
    if enrol:
        enrolment = factors.enrol(name)
        shop.show(enrolment._asdict(), text=lambda: _drawn(enrolment))
        if not shop.interactive:
            shop.note(f"Confirm it with: shopctl user mfa {enrolment.name} --confirm")
            return
        confirm = True
    if confirm:
        _show_codes(shop, factors.confirm(name, _code(shop, stdin)))
    elif recovery_codes:
        _show_codes(shop, factors.renew_codes(name))
    elif remove:
        shop.confirm(f"Ask {name} for no more one-time codes?")
        shop.show(factors.remove(name))
    else:
        shop.show(factors.show(name))


def _code(shop: Shop, stdin: bool) -> str:
    if stdin:
        return secrets.stdin_lines("code")[0].strip()
    return shop.secret("Code from the generator", flag="--code-stdin")


def _show_codes(shop: Shop, codes: list[str]) -> None:
    shop.show({"recovery_codes": codes}, text=lambda: "\n".join(codes))
    shop.note("Each of these logs in once without the generator. They are shown this once: keep them in a safe place.")


def _drawn(enrolment: Enrolment) -> str:
    import io

    import segno

    lines = [f"Secret  {enrolment.secret}", enrolment.uri]
    if (sys.stdout.encoding or "").lower().replace("-", "") != "utf8":
        return "\n".join(lines)
    drawing = io.StringIO()
    # Half blocks in the terminal's own colours; a generator reads both light on dark and dark on light.
    segno.make(enrolment.uri, error="l", micro=False).terminal(drawing, border=2, compact=True)
    return "\n".join([drawing.getvalue().rstrip("\n"), *lines])
