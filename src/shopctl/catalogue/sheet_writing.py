"""Writes a workbook (XLSX, ECMA-376) with one sheet of texts, row by row in bounded memory."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from types import TracebackType
from typing import IO
from xml.sax.saxutils import escape

SHEET_ROWS = 1_048_576
CELL_CHARACTERS = 32_767

# What XML cannot hold or would change (a carriage return becomes a line feed), and what looks like such an escape.
_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_NAMESPACE = "http://schemas.openxmlformats.org"
_MAIN = f"{_NAMESPACE}/spreadsheetml/2006/main"
_RELATION = f"{_NAMESPACE}/officeDocument/2006/relationships"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_PARTS = {
    "[Content_Types].xml": f"""<Types xmlns="{_NAMESPACE}/package/2006/content-types">\
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>\
<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>\
<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPE}.worksheet+xml"/></Types>""",
    "_rels/.rels": f"""<Relationships xmlns="{_NAMESPACE}/package/2006/relationships">\
<Relationship Id="rId1" Type="{_RELATION}/officeDocument" Target="xl/workbook.xml"/></Relationships>""",
    "xl/workbook.xml": f"""<workbook xmlns="{_MAIN}" xmlns:r="{_RELATION}">\
<sheets><sheet name="products" sheetId="1" r:id="rId1"/></sheets></workbook>""",
    "xl/_rels/workbook.xml.rels": f"""<Relationships xmlns="{_NAMESPACE}/package/2006/relationships">\
<Relationship Id="rId1" Type="{_RELATION}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>""",
}
_MOMENT = (1980, 1, 1, 0, 0, 0)  # the same catalogue gives the same bytes, whenever it is written


class SheetWriter:
    """A workbook being written to a binary file. Every cell is text, so that nothing in it is run as a formula."""

    def __init__(self, file: IO[bytes]) -> None:
        self._archive = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=4)
        self.rows = 0

    def __enter__(self) -> SheetWriter:
        for name, content in _PARTS.items():
            with self._archive.open(_part(name), "w") as part:
                part.write((_HEAD + content).encode())
        self._sheet = self._archive.open(_part("xl/worksheets/sheet1.xml"), "w", force_zip64=True)
        self._sheet.write(f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetData>\n'.encode())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._sheet.write(b"</sheetData></worksheet>")
                self._sheet.close()
                self._archive.close()
        finally:
            # Otherwise it would be ended when it is collected, and what is not whole would look so.
            self._archive.fp = None

    def row(self, cells: Sequence[str]) -> None:
        """Write one row of up to 26 cells, each of at most CELL_CHARACTERS."""
        self.rows += 1
        texts = "".join(
            f'<c r="{chr(ord("A") + column)}{self.rows}" t="inlineStr">'
            f'<is><t xml:space="preserve">{_safe(cell)}</t></is></c>'
            for column, cell in enumerate(cells)
            if cell
        )
        self._sheet.write(f'<row r="{self.rows}">{texts}</row>\n'.encode())


def _part(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _MOMENT)
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


def _safe(text: str) -> str:
    return _UNSAFE.sub(lambda match: f"_x{ord(match[0]):04X}_", escape(text))
