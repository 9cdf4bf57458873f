"""A product whose stock and shipping another system keeps, provisioned by real processes."""

from __future__ import annotations

import time
from typing import Any

from support.shop import Shop
from support.warehouse import TOKEN, Warehouse

FEED = "sku,name,price,currency,kind,stock\nMUG-1,Mug,9.90,EUR,physical,0\n"


def test_a_warehouse_reserves_and_ships_what_the_catalogue_has_none_of(shop: Shop) -> None:
    shop.run("catalogue", "import", "-", "--format", "csv", input=FEED)
    (shop.folder / "token").write_text(TOKEN)
    (shop.folder / "token").chmod(0o600)
    with Warehouse(lambda: time.time_ns() // 1000) as warehouse:
        warehouse.stock["MUG-1"] = 3
        with (shop.folder / "shopctl.toml").open("a") as file:
            for name in ("inventory", "fulfilment"):
                file.write(f'provisioning.{name}_url = "{warehouse.url}"\nprovisioning.{name}_token = "file:token"\n')

        run = start(shop, 2, expect=8)["run_id"]
        assert warehouse._available("MUG-1") == 1
        assert start(shop, 2, expect=None)["state"] == "failed"
        warehouse.shipments["S1"] |= {"state": "shipped", "carrier": "dhl", "tracking": "00340"}
        shop.run("provision", "signal", run, "picked")
        shop.run("worker", "--until-idle")
        assert warehouse.stock["MUG-1"] == 1
        warehouse.shipments["S1"]["state"] = "delivered"
        shop.run("provision", "signal", run, "delivered")
        shop.run("worker", "--until-idle")

    assert shop.run("provision", "show", run, "-o", "json").json["state"] == "completed"
    assert warehouse.effects == [("reserve", "R/1"), ("order", "S1"), ("fulfilled", "R/1")]
    assert TOKEN not in shop.run("provision", "show", run, "-o", "json").stdout


def start(shop: Shop, quantity: int, expect: int | None) -> dict[str, Any]:
    answer: dict[str, Any] = shop.run(
        "provision", "start", "MUG-1", "--customer", "C-1", "--quantity", str(quantity), "-o", "json", expect=expect
    ).json
    return answer
