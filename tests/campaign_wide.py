"""Time what each command does on tables of 60 rows and ever more columns: it must grow with them, not their square.

python tests/campaign_wide.py 1250 2500 5000
"""

import os
import sys
import time
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

from samples import WIDE_COMMANDS, write_wide


def main(widths: list[int]) -> None:
    """Print the processor time of each command on each width, and how it grows from the first to the last."""
    print(f"60 rows by {' '.join(f'{columns:,}' for columns in widths)} columns, processor seconds")
    with TemporaryDirectory(prefix="bptrain-") as folder:
        os.chdir(folder)
        for columns in widths:
            write_wide(columns)
        WIDE_COMMANDS["train"](str(widths[0]), Path("first"))
        for command, run in WIDE_COMMANDS.items():
            took = []
            for columns in widths:
                start = time.process_time()
                run(str(columns), Path(f"runs-{columns}"))
                took.append(time.process_time() - start)
            growth = took[-1] / took[0]
            each = " ".join(f"{seconds:.2f}" for seconds in took)
            print(
                f"{command}: {each}, {growth:.1f} times for {widths[-1] / widths[0]:.1f} times the columns", flush=True
            )


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main([int(word) for word in sys.argv[1:]] or [1250, 2500, 5000])
