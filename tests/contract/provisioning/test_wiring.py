"""What a shop signs with is made by itself, the same for all of its processes and another one in each shop (S26)."""

from __future__ import annotations

import threading
from urllib.parse import parse_qs, urlsplit

import pytest

from shopctl.bootstrap import Services
from shopctl.kernel.clock import Clock
from shopctl.kernel.settings import load_settings
from shopctl.provisioning.downloads import check
from shopctl.workflow.callbacks import CallbackRefused
from shopctl.workflow.ports import Done
from support.calls import call
from support.shop import Shop


def services(shop: Shop) -> Services:
    """What another process of this shop has."""
    return Services(load_settings(shop.folder, shop.environment()))


@pytest.mark.assure("S26")
def test_a_callback_is_read_by_every_process_of_its_shop_and_by_no_other(any_shop, first_shop, tmp_path):
    made, began = list[str](), Clock().now()
    signer = services(any_shop).callback_signer
    threads = [threading.Thread(target=lambda: made.append(signer.url("run_1", "create", 1, began))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    token = made[0].rpartition("/")[2]

    assert len(made) == 4
    assert len(set(made)) == 1
    assert services(any_shop).callback_signer.read(token) == ("run_1", "create", 1)
    with pytest.raises(CallbackRefused):
        services(first_shop.copy(tmp_path / "another")).callback_signer.read(token)


@pytest.mark.assure("S26")
def test_links_to_downloads_are_signed_by_a_key_of_the_shop(any_shop):
    ours = services(any_shop)
    with ours.database.unit() as unit:
        done = ours.actions["download-link"].perform(unit, call({"path": "a.pdf"}))  # type: ignore[attr-defined]
    with services(any_shop).database.read() as unit:
        key = services(any_shop).shop_sealer.secret(unit, "download links")

    assert isinstance(done, Done)
    query = parse_qs(urlsplit(done.output["url"]).query)
    assert check("a.pdf", query["expires"][0], query["signature"][0], key, now=0) == "a.pdf"
