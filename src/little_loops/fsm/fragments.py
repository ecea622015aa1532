"""Building one loop from several files: ``from:``, ``flow:``, ``import:`` and ``fragment:``.

Each function takes a mapping and gives a new one; places of keys and values travel along, so that a mistake
is shown in the file that holds it. The given mapping is never changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from little_loops.errors import LoadError, LoopNotFound
from little_loops.fsm.diagnostics import Diagnostic, Source, ValidationSeverity, dotted, render
from little_loops.fsm.fitting import Mistake, closest, shown
from little_loops.fsm.library import BUILT_IN_DIR, resolve_parent
from little_loops.fsm.yaml import Document, PlacedMap, deep_merge, locate, read_document, without

MISSING_FILE, BAD_PARENT, CIRCULAR, BAD_FLOW, UNUSED_BODY = "LL111", "LL112", "LL113", "LL114", "LL115"
BAD_IMPORT, UNKNOWN_FRAGMENT, BAD_FRAGMENT = "LL116", "LL117", "LL118"


Reader = Callable[[Path], Document]
"""How another file is read: from the disk, or from the window in which somebody is changing it."""


class Trail:
    """What was read and what was wrong on the way. A strict trail raises at the first error instead."""

    def __init__(self, *, strict: bool = False, reader: Reader = read_document) -> None:
        self.found: list[Diagnostic] = []
        self.sources: list[Source] = []
        self.strict = strict
        self.reader = reader

    def note(self, mistake: Mistake, root: Any) -> None:
        """Keeps a mistake together with its place in ``root``."""
        below = (*mistake.path, mistake.child) if mistake.child is not None else mistake.path
        span = locate(root, below, on_key=mistake.on_key)
        severity = ValidationSeverity(mistake.severity)
        self.add(
            Diagnostic(
                mistake.message,
                dotted(mistake.path),
                severity,
                mistake.code,
                span,
                mistake.help,
                mistake.suggestion,
            )
        )

    def add(self, diagnostic: Diagnostic) -> None:
        """Keeps a finding, or raises it when strict."""
        if self.strict and diagnostic.is_error:
            kind = LoopNotFound if diagnostic.code == MISSING_FILE else LoadError
            raise kind(diagnostic.message if diagnostic.span is None else render(diagnostic))
        self.found.append(diagnostic)

    def error(
        self, code: str, path: tuple[str | int, ...], message: str, root: Any, help: str | None = None
    ) -> None:
        """Keeps an error about the value at a path."""
        self.note(Mistake(code, "error", path, message, help=help), root)

    def read(self, path: Path, code: str, at: tuple[str | int, ...], root: Any) -> Any:
        """The data of another file, or None when it cannot be read."""
        try:
            document = self.reader(path)
        except LoadError as error:
            self.error(code, at, str(error), root)
            return None
        self.sources.append(document.source)
        for diagnostic in document.found:
            self.add(diagnostic)
        return document.data


# ---------------------------------------------------------------- from:


def resolve_inheritance(mapping: dict[str, Any], loop_dir: Path | str) -> dict[str, Any]:
    """The loop laid over its parents; raises ``LoadError`` (a ``ValueError``) or ``LoopNotFound``."""
    return inherit(mapping, Path(loop_dir), Trail(strict=True))


def inherit(
    mapping: dict[str, Any], loop_dir: Path, trail: Trail, chain: tuple[tuple[str, Path], ...] = ()
) -> dict[str, Any]:
    """The loop laid over its parents; mistakes go to the trail and the broken parent is left out."""
    if "from" not in mapping:
        return mapping
    child = without(mapping, "from")
    name = mapping["from"]
    if not isinstance(name, str):
        trail.error(
            BAD_PARENT, ("from",), f"'from' must be a string that names a loop, found {shown(name)}", mapping
        )
        return child
    try:
        path = resolve_parent(name, loop_dir)
    except LoopNotFound as error:
        trail.error(
            MISSING_FILE, ("from",), f"parent loop not found: {error.message}", mapping, help=error.hint
        )
        return child
    if path.resolve() in {seen for _, seen in chain}:
        names = " -> ".join([*(seen for seen, _ in chain), name])
        trail.error(CIRCULAR, ("from",), f"Circular inheritance: {names}", mapping)
        return child
    before = len(trail.found)
    parent = trail.read(path, BAD_PARENT, ("from",), mapping)
    if not isinstance(parent, dict):
        if not any(d.is_error for d in trail.found[before:]):
            note = f"parent loop '{name}' must be a mapping, found {shown(parent)}"
            trail.error(BAD_PARENT, ("from",), note, mapping)
        return child
    return deep_merge(inherit(parent, path.parent, trail, (*chain, (name, path.resolve()))), child)


# ---------------------------------------------------------------- flow:


def resolve_flow(mapping: dict[str, Any]) -> dict[str, Any]:
    """The loop with ``flow`` and ``state_defs`` turned into ``states``; raises ``LoadError``."""
    return expand_flow(mapping, Trail(strict=True))


def expand_flow(mapping: dict[str, Any], trail: Trail) -> dict[str, Any]:
    """The loop with ``flow`` and ``state_defs`` turned into ``states``; mistakes go to the trail."""
    if "flow" not in mapping:
        return mapping
    flow = mapping["flow"]
    rest = without(mapping, "flow", "state_defs")
    if not isinstance(flow, list):
        trail.error(BAD_FLOW, ("flow",), f"'flow' must be a list of states, found {shown(flow)}", mapping)
        return rest
    if not flow:
        trail.error(BAD_FLOW, ("flow",), "'flow' must contain at least one state", mapping)
        return rest
    parsed = [_flow_entry(index, entry, mapping, trail) for index, entry in enumerate(flow)]
    steps = [(index, *entry) for index, entry in enumerate(parsed) if entry is not None]
    states = PlacedMap()
    for position, (index, name, routes) in enumerate(steps):
        last = position == len(steps) - 1
        skeleton: dict[str, Any] = dict(routes)
        if last:
            skeleton["terminal"] = True
        elif not routes:
            skeleton["next"] = steps[position + 1][1]
        _place(states, name, skeleton, flow, index)
    _apply_bodies(states, mapping, trail)
    out = PlacedMap(rest, places=getattr(rest, "places", None))
    out["states"] = states
    if "flow" in getattr(mapping, "places", {}):
        out.places["states"] = mapping.places["flow"]  # type: ignore[attr-defined]
    return out


def _flow_entry(index: int, entry: Any, root: Any, trail: Trail) -> tuple[str, dict[str, str]] | None:
    at = ("flow", index)
    if not isinstance(entry, str):
        trail.error(BAD_FLOW, at, f"flow entry {index} must be a string, found {shown(entry)}", root)
        return None
    name, question, targets = entry.partition("?")
    if not question:
        return entry, {}
    yes, colon, no = targets.partition(":")
    if not colon or not yes or not no or targets.endswith(":"):
        help = "write NAME?STATE_AFTER_YES:STATE_AFTER_NO"
        trail.error(BAD_FLOW, at, f"Malformed ternary in flow: '{entry}'", root, help=help)
        return name, {}
    return name, {"on_yes": yes, "on_no": no}


def _place(states: PlacedMap, name: str, skeleton: dict[str, Any], flow: list[Any], index: int) -> None:
    state = PlacedMap(skeleton)
    places = getattr(flow, "places", None)
    if places:
        place = places[index]
        state.places = dict.fromkeys(skeleton, place)
        states.places[name] = place._replace(key_start=place.start, key_end=place.end)
    states[name] = state


def _apply_bodies(states: PlacedMap, mapping: dict[str, Any], trail: Trail) -> None:
    bodies = mapping.get("state_defs")
    if not isinstance(bodies, Mapping):
        return
    for name, body in bodies.items():
        if name not in states:
            note = f"'{name}' has a body in state_defs, but is not in flow"
            near = closest(str(name), list(states))
            trail.note(
                Mistake(UNUSED_BODY, "warning", ("state_defs",), note, name, True, suggestion=near), mapping
            )
        elif isinstance(body, Mapping):
            states[name] = deep_merge(states[name], body)
            if name in getattr(bodies, "places", {}):
                states.places[name] = bodies.places[name]  # type: ignore[attr-defined]
        elif body is not None:
            trail.error(
                BAD_FLOW, ("state_defs", name), f"a body must be a mapping, found {shown(body)}", mapping
            )


# ---------------------------------------------------------------- import:, fragments:, fragment:


def resolve_fragments(mapping: dict[str, Any], loop_dir: Path | str) -> dict[str, Any]:
    """The loop with every ``fragment`` merged into its state; raises ``LoadError`` or ``LoopNotFound``."""
    return apply_fragments(mapping, Path(loop_dir), Trail(strict=True))


def apply_fragments(mapping: dict[str, Any], loop_dir: Path, trail: Trail) -> dict[str, Any]:
    """The loop with every ``fragment`` merged into its state; mistakes go to the trail."""
    library = fragments_in_sight(mapping, loop_dir, trail)
    states = mapping.get("states")
    if not isinstance(states, Mapping) or not any(_fragment_of(s) is not None for s in states.values()):
        return mapping
    filled = PlacedMap(states, places=getattr(states, "places", None))
    for name, state in states.items():
        if _fragment_of(state) is not None:
            filled[name] = _filled(name, state, library, mapping, trail)
    out = PlacedMap(mapping, places=getattr(mapping, "places", None))
    out["states"] = filled
    return out


def fragments_in_sight(mapping: dict[str, Any], loop_dir: Path, trail: Trail) -> PlacedMap:
    """Every fragment a state may use, by name: imported ones, and over them the loop's own."""
    library = PlacedMap()
    for index, entry in enumerate(_imports(mapping, trail)):
        _overlay(library, _imported(entry, index, mapping, loop_dir, trail))
    own = mapping.get("fragments")
    if isinstance(own, Mapping):
        _overlay(library, own)
    elif own is not None:
        note = f"'fragments' must be a mapping of names, found {shown(own)}"
        trail.error(BAD_FRAGMENT, ("fragments",), note, mapping)
    return library


def _imports(mapping: dict[str, Any], trail: Trail) -> list[Any]:
    entries = mapping.get("import")
    if entries is None:
        return []
    if isinstance(entries, str):
        return [entries]
    if not isinstance(entries, list):
        trail.error(
            BAD_IMPORT, ("import",), f"'import' must be a list of files, found {shown(entries)}", mapping
        )
        return []
    return entries


def _imported(
    entry: Any, index: int, mapping: dict[str, Any], loop_dir: Path, trail: Trail
) -> Mapping[str, Any]:
    at: tuple[str | int, ...] = ("import", index) if isinstance(mapping["import"], list) else ("import",)
    if not isinstance(entry, str):
        trail.error(BAD_IMPORT, at, f"an import must be a string, found {shown(entry)}", mapping)
        return {}
    path = library_path(entry, loop_dir, _folder_of(mapping, index))
    if path is None:
        note = f"fragment library not found: '{entry}' (looked in {loop_dir} and {BUILT_IN_DIR})"
        trail.error(MISSING_FILE, at, note, mapping)
        return {}
    data = trail.read(path, BAD_IMPORT, at, mapping)
    fragments = data.get("fragments") if isinstance(data, Mapping) else None
    return fragments if isinstance(fragments, Mapping) else {}


def library_path(entry: str, loop_dir: Path, beside: Path | None = None) -> Path | None:
    """The file an ``import`` entry means: beside the loop, built in, or beside the file that wrote it."""
    folders = [loop_dir, BUILT_IN_DIR, *([beside] if beside else [])]
    return next((folder / entry for folder in folders if (folder / entry).is_file()), None)


def _folder_of(mapping: dict[str, Any], index: int) -> Path | None:
    places = getattr(mapping.get("import"), "places", None)
    return Path(places[index].source.path).parent if places else None


def _overlay(library: PlacedMap, more: Mapping[str, Any]) -> None:
    library.update(more)
    library.places.update(getattr(more, "places", {}))


def _fragment_of(state: Any) -> Any:
    return state.get("fragment") if isinstance(state, Mapping) else None


def _filled(name: str, state: dict[str, Any], library: PlacedMap, root: Any, trail: Trail) -> dict[str, Any]:
    wanted = state["fragment"]
    body = library.get(wanted) if isinstance(wanted, str) else None
    own = without(state, "fragment")
    if isinstance(body, Mapping):
        return deep_merge(without(body, "description"), own)
    at = ("states", name, "fragment")
    if isinstance(wanted, str) and wanted in library:
        trail.error(BAD_FRAGMENT, at, f"fragment '{wanted}' must be a mapping, found {shown(body)}", root)
        return own
    available = ", ".join(sorted(library)) or "(none)"
    note = f"state '{name}' uses the unknown fragment '{wanted}'; available: {available}"
    near = closest(wanted, list(library)) if isinstance(wanted, str) else None
    trail.note(Mistake(UNKNOWN_FRAGMENT, "error", at, note, suggestion=near), root)
    return own
