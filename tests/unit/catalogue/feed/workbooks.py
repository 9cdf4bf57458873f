"""Writes XLSX files part by part, sound ones and hostile ones."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from xml.sax.saxutils import escape

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_WORKBOOK = (
    f'<workbook xmlns="{MAIN}" xmlns:r="{_RELATIONS}">%s<sheets>'
    '<sheet name="Hidden" sheetId="1" state="hidden" r:id="rId9"/>'
    '<sheet name="Products" sheetId="2" r:id="rId1"/>%s</sheets></workbook>'
)
_RELS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" Type="x" Target="worksheets/sheet1.xml"/></Relationships>'
)
_STYLES = (
    f'<styleSheet xmlns="{MAIN}"><numFmts><numFmt numFmtId="164" formatCode="dd/mm/yyyy"/>'
    '<numFmt numFmtId="165" formatCode="&quot;days&quot; 0.00 [Red]"/>'
    '<numFmt numFmtId="166" formatCode="[h]:mm"/><numFmt numFmtId="167" formatCode="[Magenta]0.00"/></numFmts>'
    '<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>'
    '<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="165"/>'
    '<xf numFmtId="22"><alignment/></xf><xf numFmtId="45"/>'
    '<xf numFmtId="166"/><xf numFmtId="46"/><xf numFmtId="167"/></cellXfs></styleSheet>'
)  # styles: 1, 2, 4, 5 are dates or times; 6 and 7 durations; 0, 3 and 8 are numbers


def text(value: str) -> str:
    return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'


def number(value: str, style: int = 0) -> str:
    return f'<c s="{style}"><v>{value}</v></c>'


def sheet(rows: Sequence[str]) -> str:
    body = "".join(f"<row>{cells}</row>" for cells in rows)
    return f'<worksheet xmlns="{MAIN}"><sheetData>{body}</sheetData></worksheet>'


def workbook(
    sheet_xml: str | bytes,
    *,
    strings: str = "",
    properties: str = "",
    sheets: str = "",
    more: dict[str, bytes] | None = None,
) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", _WORKBOOK % (properties, sheets))
        archive.writestr("xl/_rels/workbook.xml.rels", _RELS)
        archive.writestr("xl/styles.xml", _STYLES)
        if strings:
            archive.writestr("xl/sharedStrings.xml", strings)
        archive.writestr("xl/worksheets/sheet1.xml", sheet_xml)
        for name, content in (more or {}).items():
            archive.writestr(name, content)
    return out.getvalue()
