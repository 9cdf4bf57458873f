"""The file of a backup: what was put in comes out, and no change of it, however small, goes unnoticed."""

from __future__ import annotations

import io
import os
import random

import pytest

from shopctl.kernel.errors import ShopctlError
from shopctl.storage.backup import sealed_file
from shopctl.storage.backup.errors import BackupDamaged, BackupKeyWrong, BackupNewer
from shopctl.storage.backup.sealed_file import Part, SealedReader, SealedWriter
from shopctl.storage.secret_file import Key, Keys

KEY = Key("0123456789abcdef", b"k" * 32)
CONTENT = {"shop": b"x" * 1000, "auth": b"", "keys": os.urandom(300_000)}


def written(content: dict[str, bytes] = CONTENT, key: Key = KEY) -> bytes:
    file = io.BytesIO()
    writer = SealedWriter(file, key)
    parts = [writer.part(name, [data[:7], data[7:]]) for name, data in content.items()]
    writer.finish({"parts": [part._asdict() for part in parts]})
    return file.getvalue()


def read(data: bytes, *keys: Key) -> dict[str, bytes]:
    reader = SealedReader(io.BytesIO(data), Keys([*keys] or [KEY]), "it")
    return {part["name"]: b"".join(reader.part(Part(**part))) for part in reader.manifest["parts"]}


def test_what_was_written_is_read_again() -> None:
    assert read(written()) == CONTENT


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 65537, 131072, 1 << 20, 5_000_000])
def test_every_size_comes_back(size: int) -> None:
    content = {"noise": random.Random(size).randbytes(size), "plain": b"a" * size}
    assert read(written(content)) == content


def test_two_files_of_the_same_have_nothing_in_common() -> None:
    first, second = written(), written()
    assert first[100:1100] != second[100:1100]
    assert CONTENT["keys"][:16] not in first


@pytest.mark.assure("R16")
def test_every_flipped_byte_is_noticed() -> None:
    data = written({"shop": b"rows " * 40, "auth": b"users", "keys": b"{}"})
    for place in range(len(data)):
        altered = bytearray(data)
        altered[place] ^= 1 << place % 8
        with pytest.raises((BackupDamaged, BackupKeyWrong, BackupNewer)):
            read(bytes(altered))


@pytest.mark.assure("R16")
def test_every_cut_is_noticed() -> None:
    data = written({"shop": b"rows " * 40, "auth": b"users", "keys": b"{}"})
    for length in range(len(data)):
        with pytest.raises(ShopctlError):
            read(data[:length])
        with pytest.raises(ShopctlError):
            read(data[length + 1 :])


def test_chunks_may_not_change_places_be_left_out_or_come_from_another_file() -> None:
    noise = os.urandom(200_000)
    data, other = written({"shop": noise}), written({"shop": noise})
    reader = SealedReader(io.BytesIO(data), Keys([KEY]), "it")
    (part,) = (Part(**each) for each in reader.manifest["parts"])
    size = sealed_file._CHUNK + sealed_file._TAG
    first, second = (slice(part.offset + n * size, part.offset + (n + 1) * size) for n in (0, 1))
    swapped = bytearray(data)
    swapped[first], swapped[second] = data[second], data[first]
    repeated = bytearray(data)
    repeated[second] = data[first]
    mixed = bytearray(data)
    mixed[second] = other[second]
    for altered in (swapped, repeated, mixed):
        with pytest.raises(BackupDamaged):
            read(bytes(altered))
    # Cut at the end of a chunk, the manifest put behind it again.
    with pytest.raises(BackupDamaged):
        read(data[: first.stop] + data[part.offset + part.length :])


def test_a_manifest_that_lies_about_a_part_is_noticed_too() -> None:
    reader = SealedReader(io.BytesIO(written()), Keys([KEY]), "it")
    shop, _, keys = (Part(**each) for each in reader.manifest["parts"])
    for part in (
        shop._replace(bytes=999),
        shop._replace(sha256=keys.sha256),
        shop._replace(name="keys"),
        keys._replace(length=keys.length - 1),
        keys._replace(offset=keys.offset + 1),
        keys._replace(length=0),
    ):
        with pytest.raises(BackupDamaged):
            list(reader.part(part))


def test_each_key_opens_its_own() -> None:
    other = Key("fedcba9876543210", b"o" * 32)
    assert read(written(key=other), KEY, other) == CONTENT
    with pytest.raises(BackupKeyWrong) as wrong:
        read(written(key=other), KEY)
    assert wrong.value.exit_code == 4
    with pytest.raises(BackupDamaged):
        read(written(), Key(KEY.id, b"another" + b"k" * 25))


def test_a_newer_format_is_told_from_damage() -> None:
    data = written()
    assert data.startswith(b"shopctl backup 1\n")
    with pytest.raises(BackupNewer):
        read(data.replace(b"shopctl backup 1\n", b"shopctl backup 2\n", 1))
