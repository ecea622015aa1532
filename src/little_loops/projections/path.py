"""The way a run took, short enough to read: repeated stretches are folded. Pure."""

from __future__ import annotations

from collections.abc import Sequence

Stretch = tuple[tuple[str, ...], int]
"""States in a row, and how often that row was walked."""

LONGEST = 6


def fold(states: Sequence[str]) -> list[Stretch]:
    """Stretches that give the same way again; a repeated row of up to six states becomes one stretch."""
    out: list[Stretch] = []
    at = 0
    while at < len(states):
        row, times = _best(states, at)
        if times == 1 and out and out[-1][1] == 1:
            out[-1] = ((*out[-1][0], *row), 1)
        else:
            out.append((row, times))
        at += len(row) * times
    return out


def _best(states: Sequence[str], at: int) -> Stretch:
    """The repetition beginning here that covers most; a single state when nothing repeats."""
    best: Stretch = ((states[at],), 1)
    for size in range(1, LONGEST + 1):
        row = tuple(states[at : at + size])
        times = 1
        while tuple(states[at + size * times : at + size * (times + 1)]) == row:
            times += 1
        if times > 1 and size * times > len(best[0]) * best[1]:
            best = (row, times)
    return best


def path_text(states: Sequence[str], most: int = 40) -> str:
    """``check → (fix → check) ×3 → done``; the middle of a way that stays too long is left out."""
    parts: list[str] = []
    for row, times in fold(states):
        if times == 1:
            parts += row
        else:
            parts.append(f"({' → '.join(row)}) ×{times}" if len(row) > 1 else f"{row[0]} ×{times}")
    if len(parts) > most:
        half = most // 2
        parts = [*parts[:half], f"… {len(parts) - 2 * half} more …", *parts[-half:]]
    return " → ".join(parts)
