"""Broken Parquet files and arrays: one line says what is wrong before memory is taken; nothing is unpickled."""

import gzip
import io
import struct
import tempfile
import zipfile
from pathlib import Path

import duckdb
import numpy as np
import pytest


def npy(array):
    """Return an array as np.save writes it."""
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue()


def npy_header(shape, descr="<f8", order="False", version=1):
    """Return a header that declares whatever it is told."""
    text = f"{{'descr': {descr!r}, 'fortran_order': {order}, 'shape': {shape}, }}".encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H", len(text)) + text


def npz(members, *, compression=zipfile.ZIP_STORED):
    """Return a zip file of the given members."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content, compress_type=compression)
    return file.getvalue()


def savez(**arrays):
    """Return what np.savez writes."""
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def idx(shape, data, kind=8, magic=b"\0\0"):
    """Return an IDX file."""
    return magic + bytes([kind, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + data


def parquet(sql):
    """Return the result of a query as DuckDB writes it to Parquet."""
    with tempfile.TemporaryDirectory() as folder, duckdb.connect(":memory:") as database:
        database.execute(f"COPY ({sql}) TO '{folder}/f.parquet' (FORMAT parquet)")
        return Path(folder, "f.parquet").read_bytes()


ROWS = b"a,y\n" + b"".join(b"%d,%d\n" % (k, k % 2) for k in range(40))
ARRAY = npy(np.arange(80.0).reshape(40, 2))
PARQUET = parquet("SELECT range AS a, range % 2 AS y FROM range(40)")
IMAGES = idx((4, 2, 2), bytes(16))


def flip_bit(content, place):
    """Return the content with one bit flipped."""
    return content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :]


# The file, its content (None: no file), the message after the name of the file, source, options.
PARQUETS = [
    ("empty.parquet", b"", r": not a Parquet file"),
    ("magic.parquet", b"PAR2" + PARQUET[4:], r": not a Parquet file \(it begins with b'PAR2'\)"),
    ("csv.parquet", ROWS, r": not a Parquet file \(it begins with b'a,y"),
    ("encrypted.parquet", b"PARE" + PARQUET[4:], r": the file is encrypted"),
    ("footer.parquet", PARQUET[:-8] + struct.pack("<I", 2**31) + b"PAR1", r": .*cut short or damaged"),
    ("short.parquet", b"PAR1PAR1", r": .*cut short or damaged"),
    ("rows.parquet", parquet("SELECT 1 AS a, 2 AS y LIMIT 0"), r": .* no rows; add at least one"),
    (
        "list.parquet",
        parquet("SELECT [1] AS a, 2 AS y"),
        r": a: .* cannot hold values of the type 'INTEGER\[\]'",
    ),
    (
        "struct.parquet",
        parquet("SELECT {'b': 1} AS a, 2 AS y"),
        r": a: .* cannot hold values of the type 'STRUCT",
    ),
    (
        "bytes.parquet",
        parquet("SELECT 'x'::BLOB AS a, 2 AS y"),
        r": a: .* cannot hold values of the type 'BLOB'",
    ),
    ("null.parquet", parquet("SELECT nullif(range, 3) AS a, 1.5 * range AS y FROM range(9)"), r", row 4: a: a missing"),
    ("absent.parquet", None, r"path: no such file"),
    *(
        (f"cut_{size}.parquet", PARQUET[:size], r": .*(cut short or damaged|not a Parquet)")
        for size in (3, 4, 11, 12, 50, len(PARQUET) // 2, len(PARQUET) - 9, len(PARQUET) - 1)
    ),
]

ARRAYS = [
    ("empty.npy", b"", r": not an array that can be read", "npy"),
    ("magic.npy", b"\x93NUMPX" + ARRAY[6:], r": not an array that can be read", "npy"),
    ("version.npy", ARRAY[:6] + b"\x09" + ARRAY[7:], r": not an array that can be read", "npy"),
    ("csv.npy", ROWS, r": not an array that can be read", "npy"),
    ("header.npy", ARRAY[:40], r": not an array that can be read", "npy"),
    ("code.npy", npy_header("__import__('os').abort()"), r": not an array that can be read", "npy"),
    ("cut.npy", ARRAY[:-1], r": it declares 640 bytes and has 639; it is cut short", "npy"),
    ("longer.npy", ARRAY + b"x", r": it declares 640 bytes and has more", "npy"),
    ("pickled.npy", npy_header((1,), "|O") + b"\x80\x04N.", r": .*pickled Python objects, which could run", "npy"),
    ("nested.npy", npy_header((1,), [("a", "|O")]) + bytes(8), r": .*pickled Python objects", "npy"),
    ("absurd.npy", npy_header((10**12, 10**3)) + bytes(800), r": it declares 8,000,000,000,000,000 bytes", "npy"),
    ("beyond.npy", npy_header((2**62, 2**62)) + bytes(800), r": it declares [0-9,]+ bytes and has", "npy"),
    ("negative.npy", npy_header((-1, 2)) + bytes(800), r": .*impossible shape \(-1, 2\)", "npy"),
    ("sizeless.npy", npy_header((10**12, 2), "|V0"), r": .*impossible shape", "npy"),
    ("texts_of_none.npy", npy_header((10**12,), "<U0"), r": .*impossible shape", "npy"),
    ("no_columns.npy", npy_header((10**12, 0)), r": the array has the shape .* which is empty", "npy"),
    ("no_rows.npy", npy(np.zeros((0, 3))), r": the array has the shape \(0, 3\)", "npy"),
    ("single.npy", npy(np.float64(3)), r": it is a single value, and a table has rows", "npy"),
    ("complex.npy", npy(np.ones((3, 2), complex)), r": it holds complex128 and not numbers", "npy"),
    ("dates.npy", npy(np.zeros(3, "M8[D]")), r": it holds datetime64\[D\] and not numbers", "npy"),
    ("fields.npy", npy(np.zeros(3, "f4,f4")), r": it has named fields \(f0, f1\)", "npy"),
    ("cut.npy.gz", gzip.compress(ARRAY)[:-9], r": .*cut short or damaged", "npy"),
    ("absurd.npy.gz", gzip.compress(npy_header((10**12, 8)) + bytes(800)), r": it declares [0-9,]+ bytes", "npy"),
    ("absent.npy", None, r"path: no such file", "npy"),
    ("empty.npz", b"", r": not an npz file", "npz"),
    ("npy.npz", ARRAY, r": not an npz file", "npz"),
    ("cut.npz", savez(x=np.ones((3, 2)))[:-5], r": cut short or damaged", "npz"),
    ("half.npz", savez(x=np.ones((3, 2)))[:200], r": cut short or damaged", "npz"),
    ("nothing.npz", npz([("readme.txt", b"hello")]), r": it has 0 arrays", "npz"),
    ("pickled.npz", npz([("x.npy", npy_header((1,), "|O") + b"N.")]), r": x: .*pickled Python objects", "npz"),
    ("lengths.npz", savez(x=np.ones((3, 2)), y=np.ones(4)), r": y: it has 4 rows, and x has 3", "npz"),
    ("scalar.npz", savez(x=np.ones((3, 2)), y=np.ones(())), r": y: it has no rows, and x has 3", "npz"),
    ("declares.npz", npz([("x.npy", npy_header((10**9, 9)) + bytes(80))]), r": x: it declares [0-9,]+ bytes", "npz"),
    ("less.npz", npz([("x.npy", ARRAY + b"x")]), r": x: it declares 640 bytes and has more", "npz"),
    ("magic.npz", npz([("x.npy", b"hello")]), r": x: not an array that can be read", "npz"),
    ("checksum.npz", flip_bit(savez(x=np.ones((3, 2))), 140), r": cut short or damaged", "npz"),
    ("names.npz", savez(x=np.ones((3, 2))), r"inputs: no array of that name \(got 'z'\)", "npz", {"inputs": "z"}),
    ("images.npy", npy(np.array([["a", "b"]])), r": it has rows of text", "npy"),
    ("lzma.npz", npz([("x.npy", ARRAY)], compression=zipfile.ZIP_LZMA), r": x: packed in a way", "npz"),
]

IDX = [
    ("empty-ubyte", b"", r": not an IDX file"),
    ("magic-ubyte", idx((4, 2, 2), bytes(16), magic=b"\0\1"), r": not an IDX file"),
    ("kind-ubyte", idx((4, 2, 2), bytes(16), kind=10), r": not an IDX file"),
    ("many-ubyte", b"\0\0\x08\xff" + bytes(2000), r": it declares 255 dimensions"),
    ("none-ubyte", b"\0\0\x08\x00", r": it declares 0 dimensions"),
    ("shape-ubyte", IMAGES[:10], r": it is cut short"),
    ("cut-ubyte", IMAGES[:-1], r": it declares 16 bytes and has 15"),
    ("longer-ubyte", IMAGES + b"x", r": it declares 16 bytes and has more"),
    ("absurd-ubyte", idx((2**32 - 1, 2**32 - 1), bytes(16)), r": it declares [0-9,]+ bytes"),
    ("wide-ubyte", idx((4, 2, 2), bytes(16), kind=14), r": it declares 128 bytes and has"),
    ("rows-ubyte", idx((0, 2, 2), b""), r": it has the shape \(0, 2, 2\)"),
    ("packed-ubyte", gzip.compress(ARRAY), r": not an IDX file"),
    ("cut-ubyte.gz", gzip.compress(IMAGES)[:-9], r": .*cut short or damaged"),
    ("absurd-ubyte.gz", gzip.compress(idx((2**31, 2**31), bytes(16))), r": it declares [0-9,]+ bytes"),
    ("absent-ubyte", None, r"images: no such file"),
]


@pytest.mark.parametrize("row", PARQUETS, ids=[row[0] for row in PARQUETS])
def test_broken_parquet(complaint_about, row):
    complaint_about("parquet", *row)


@pytest.mark.parametrize("row", ARRAYS, ids=[row[0] for row in ARRAYS])
def test_broken_arrays(complaint_about, row):
    name, content, message, source, *options = row
    complaint_about(source, name, content, message, *options)


@pytest.mark.parametrize("row", IDX, ids=[row[0] for row in IDX])
def test_broken_idx(complaint_about, row):
    complaint_about("idx", *row)
