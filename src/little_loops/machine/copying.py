"""A changed copy of a frozen value, faster than ``dataclasses.replace``: a run makes a dozen a step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Plan:
    """How values of one class are copied: all fields are read at once, and put through their slots."""

    read: Callable[[Any], tuple[Any, ...]]
    put: tuple[Callable[[Any, Any], None], ...]
    place: dict[str, int]


_plans: dict[type, _Plan] = {}


def replace(value: T, /, **changes: Any) -> T:
    """``value`` with some fields changed. For frozen dataclasses with slots and no ``__post_init__``.

    Raises:
        TypeError: it has no such field.
    """
    kind = type(value)
    plan = _plans.get(kind) or _plan(kind)
    held = list(plan.read(value))
    try:
        for name, new in changes.items():
            held[plan.place[name]] = new
    except KeyError as unknown:
        raise TypeError(f"{kind.__name__} has no field {unknown}") from None
    copy = object.__new__(kind)
    for put, item in zip(plan.put, held, strict=True):
        put(copy, item)
    return copy


def _plan(kind: type) -> _Plan:
    names = [field.name for field in fields(kind)]
    read = attrgetter(*names) if len(names) > 1 else lambda value: tuple(getattr(value, n) for n in names)
    put = tuple(getattr(kind, name).__set__ for name in names)
    _plans[kind] = _Plan(read, put, {name: at for at, name in enumerate(names)})
    return _plans[kind]
