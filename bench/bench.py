"""The benchmark: every goal is one named case with a goal, what was measured, and whether it was met.

Started by bench/run, which makes the environments. It times whole processes, as a user starts them;
nothing of the package is imported here.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from cases import CASES, Row, Setting
from report import screen_line, write_page
from timing import DidNotRun

HERE = Path(__file__).resolve().parent


def main() -> int:
    arguments = read_arguments()
    if arguments.list:
        print("\n".join(CASES))
        return 0
    unknown = sorted(set(arguments.names) - set(CASES))
    if unknown:
        print(f"bench: no case named {', '.join(unknown)}; bench/run --list names them", file=sys.stderr)
        return 2
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="bench-", dir=arguments.on) as folder:
        setting = Setting(Path(folder), HERE / ".env", quick=arguments.quick)
        for name in arguments.names or CASES:
            try:
                found = CASES[name](setting)
            except DidNotRun as error:
                found = [Row(name, goal=None, measured=None, note=f"did not run: {error}")]
            for row in found:
                print(screen_line(row), flush=True)
            rows += found
    if not arguments.names and not arguments.quick:
        write_page(HERE.parent / "docs" / "benchmarks.md", rows, HERE / ".env")
        print("written: docs/benchmarks.md")
    return 0


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench/run", description="Time this checkout against its peers, in turn."
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="cases to run (default: all, and write the page)"
    )
    parser.add_argument("--quick", action="store_true", help="fewer rounds and smaller runs; writes nothing")
    parser.add_argument("--list", action="store_true", help="print the names of the cases")
    parser.add_argument(
        "--on", metavar="DIR", help="folder on the disk to be measured (default: the temporary folder)"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
