"""A bad backup is caught before it touches the target, wherever it is bad."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from shopctl.kernel.errors import ShopctlError
from shopctl.kernel.settings import Settings, load_settings
from shopctl.operations.backups import create, verified
from shopctl.operations.restoring import restore
from shopctl.storage.database import open_database
from shopctl.storage.table_sums import TableSum, table_sums
from support.shop import Shop

FEED = "sku,name,price\n" + "".join(f"MUG-{n},Mug {n},{n}.50\n" for n in range(30))
REFUSED = {"backup.damaged", "backup.key_wrong", "backup.newer"}


@pytest.fixture
def settings(any_shop: Shop) -> Settings:
    any_shop.run("catalogue", "import", "-", "--format", "csv", input=FEED)
    return load_settings(any_shop.folder, any_shop.environment())


def sums(settings: Settings) -> list[dict[str, TableSum]]:
    found = []
    for url in (settings.database_url, settings.auth_database_url):
        with closing(open_database(url)) as database, database.read() as unit:
            found.append(table_sums(unit))
    return found


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(ShopctlError) as error:
        act()
    return error.value.code


@pytest.mark.assure("R16")
def test_a_byte_flipped_anywhere_a_cut_and_a_wrong_key_change_nothing(
    settings: Settings, tmp_path: Path, dice: random.Random, scale: Callable[[int, int], int]
) -> None:
    content = Path(create(settings).path).read_bytes()
    before = sums(settings)
    path = tmp_path / "altered.backup"
    caught = 0
    for place in dice.sample(range(len(content)), scale(40, 1000)):
        altered = bytearray(content)
        altered[place] ^= 1 << dice.randrange(8)
        path.write_bytes(altered)
        assert refused(lambda: restore(settings, str(path))) in REFUSED, place
        caught += 1
    for length in (0, 1, *dice.sample(range(len(content)), scale(10, 200)), len(content) - 1):
        path.write_bytes(content[:length])
        assert refused(lambda: restore(settings, str(path))) == "backup.damaged", length
    assert sums(settings) == before
    assert caught == scale(40, 1000)

    key = settings.backup_key_file
    kept = key.read_text()
    path.write_bytes(content)
    for wrong in (f"shopctl-backup-key-1:{os.urandom(32).hex()}\n", "nonsense\n", ""):
        key.write_text(wrong)
        assert refused(lambda: restore(settings, str(path))) in {"backup.key_wrong", "backup.key_invalid"}
    key.unlink()
    assert refused(lambda: restore(settings, str(path))) == "backup.key_missing"
    assert sums(settings) == before
    key.write_text(kept)
    key.chmod(0o600)
    assert verified(settings, str(path)).ok
    restore(settings, str(path))
