"""N transitions of our engine with a mock action and a real journal; prints the seconds of one."""

from __future__ import annotations

import sys


def main() -> int:
    print("the engine is not there yet", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
