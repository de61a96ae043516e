"""Spreadsheets as bytes, written without a library for them: what a test says is in a cell is in it."""

import io
import zipfile
from datetime import date, datetime

NAMESPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def pack(members):
    """Return a zip archive of these files."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def escape(text):
    return text.replace("&", "&amp;").replace("<", "&lt;")


def name_cell(row, column):
    return f"{chr(65 + column)}{row + 1}"


def write_xlsx_cell(value, where):
    if value is None:
        return ""
    if isinstance(value, bool):
        return f'<c r="{where}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, date):
        since = datetime(value.year, value.month, value.day, *(value.timetuple()[3:6])) - datetime(1899, 12, 30)
        return f'<c r="{where}" s="1"><v>{since.days + since.seconds / 86400!r}</v></c>'
    if isinstance(value, str) and value.startswith("#"):
        return f'<c r="{where}" t="e"><v>{value}</v></c>'
    if isinstance(value, str):
        return f'<c r="{where}" t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'
    return f'<c r="{where}"><v>{value!r}</v></c>'


def write_xlsx(**sheets):
    """Return an xlsx file: for each sheet, the rows of its cells. Texts that begin with # are errors of Excel."""
    content = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml" '
        'ContentType="application/xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r" '
        f'Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/styles.xml": f'<styleSheet xmlns="{NAMESPACE}"><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="22"/>'
        "</cellXfs></styleSheet>",
    }
    names = [f'<sheet name="{escape(name)}" sheetId="{k}" r:id="r{k}"/>' for k, name in enumerate(sheets, 1)]
    content["xl/workbook.xml"] = (
        f'<workbook xmlns="{NAMESPACE}" xmlns:r="{RELATIONS}"><sheets>{"".join(names)}</sheets></workbook>'
    )
    links = [
        f'<Relationship Id="r{k}" Type="{RELATIONS}/worksheet" Target="worksheets/s{k}.xml"/>'
        for k in range(1, len(sheets) + 1)
    ]
    content["xl/_rels/workbook.xml.rels"] = (
        f'<Relationships xmlns="{PACKAGE}/relationships">{"".join(links)}<Relationship Id="s" '
        f'Type="{RELATIONS}/styles" Target="styles.xml"/></Relationships>'
    )
    for k, rows in enumerate(sheets.values(), 1):
        lines = (
            f'<row r="{r + 1}">{"".join(write_xlsx_cell(value, name_cell(r, c)) for c, value in enumerate(row))}</row>'
            for r, row in enumerate(rows)
        )
        content[f"xl/worksheets/s{k}.xml"] = (
            f'<worksheet xmlns="{NAMESPACE}"><sheetData>{"".join(lines)}</sheetData></worksheet>'
        )
    return pack(content)


def write_ods(rows, name="Data"):
    """Return an ods file of one sheet of numbers and texts."""
    office = "urn:oasis:names:tc:opendocument:xmlns"

    def write(value):
        if value is None:
            return "<table:table-cell/>"
        if isinstance(value, str):
            return f'<table:table-cell office:value-type="string"><text:p>{escape(value)}</text:p></table:table-cell>'
        return f'<table:table-cell office:value-type="float" office:value="{value!r}"/>'

    lines = "".join(f"<table:table-row>{''.join(map(write, row))}</table:table-row>" for row in rows)
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    document = (
        f'<office:document-content xmlns:office="{office}:office:1.0" xmlns:table="{office}:table:1.0" '
        f'xmlns:text="{office}:text:1.0"><office:body><office:spreadsheet><table:table table:name="{name}">{lines}'
        "</table:table></office:spreadsheet></office:body></office:document-content>"
    )
    manifest = (
        f'<manifest:manifest xmlns:manifest="{office}:manifest:1.0"><manifest:file-entry manifest:full-path="/" '
        f'manifest:media-type="{kind}"/></manifest:manifest>'
    )
    return pack({"mimetype": kind, "META-INF/manifest.xml": manifest, "content.xml": document})
