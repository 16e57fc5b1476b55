"""Makes the eight TPC-H tables as Delta tables: rows by tpchgen-cli, files and log by delta-rs.

`lineitem` gets one more column, `l_shipmonth` ("1995-03"), and is partitioned by it; the others are
not partitioned. The rows are those of the TPC-H specification for the scale factor and never vary.

    python tpch.py --scale 0.01 --out DIR
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import write_deltalake

TABLES = (
    "customer",
    "lineitem",
    "nation",
    "orders",
    "part",
    "partsupp",
    "region",
    "supplier",
)
_BATCH_ROWS = 131_072


def _generator() -> str:
    beside = Path(sys.executable).with_name("tpchgen-cli")
    found = str(beside) if beside.is_file() else shutil.which("tpchgen-cli")
    if not found:
        raise SystemExit("tpchgen-cli is not there: install tools/lakehouse/requirements.txt")
    return found


def _generate(scale: float, folder: Path) -> None:
    command = [_generator(), "parquet", "--scale-factor", str(scale), "--output-dir", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _with_month(batch: pa.RecordBatch) -> pa.RecordBatch:
    month = pc.strftime(batch.column("l_shipdate"), format="%Y-%m")
    return batch.append_column("l_shipmonth", month)


def _write_table(name: str, source: Path, target: Path) -> None:
    file = pq.ParquetFile(source)
    partitioned = name == "lineitem"
    schema = file.schema_arrow.remove_metadata()
    if partitioned:
        schema = schema.append(pa.field("l_shipmonth", pa.string()))

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in file.iter_batches(_BATCH_ROWS):
            batch = _with_month(batch) if partitioned else batch
            yield batch.replace_schema_metadata(None)

    write_deltalake(
        str(target),
        pa.RecordBatchReader.from_batches(schema, batches()),
        mode="error",
        name=name,
        description=f"TPC-H {name}",
        partition_by=["l_shipmonth"] if partitioned else None,
    )


def make(scale: float, out: Path) -> None:
    """Writes OUT/<table> for every table; OUT must not hold them yet."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent) as scratch:
        _generate(scale, Path(scratch))
        for name in TABLES:
            _write_table(name, Path(scratch) / f"{name}.parquet", out / name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", type=float, default=0.01)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    make(options.scale, options.out)


if __name__ == "__main__":
    main()
