"""Where boxes and lines go: layers from top to bottom, edges in the channels between them.

An edge leaves its box at the bottom and enters the other at the top. Edges to the next layer run in the
channel between the two; all others take a lane beside the boxes, upwards on the left, downwards on the right.
All edges to one state share a lane and the tracks that lead to it. Ports at the bottom of boxes stand in even
columns and those at the top in odd ones (or exactly below their source), so vertical lines never share one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush

from little_loops.diagrams.canvas import cells
from little_loops.diagrams.edges import Edge

GAP = 4


@dataclass(slots=True)
class Box:
    """One state in the picture. ``ports`` are columns relative to ``left``, by target."""

    name: str
    rows: tuple[str, ...]
    badge: str
    width: int = 0
    layer: int = 0
    left: int = 0
    top: int = 0
    entry: int = 0
    ports: dict[str, int] = field(default_factory=dict)

    @property
    def height(self) -> int:
        return len(self.rows) + 2

    @property
    def bottom(self) -> int:
        return self.top + self.height - 1


class Ways:
    """The edges of a picture, by the state they leave and by the state they enter."""

    def __init__(self, names: Iterable[str], edges: Iterable[Edge]) -> None:
        self.out: dict[str, list[Edge]] = {name: [] for name in names}
        self.into: dict[str, list[Edge]] = {name: [] for name in self.out}
        for edge in edges:
            self.out[edge.source].append(edge)
            self.into[edge.target].append(edge)

    def __iter__(self) -> Iterator[Edge]:
        return (edge for edges in self.out.values() for edge in edges)


@dataclass(slots=True)
class Net:
    """The lines of one channel that lead to one state: a track, what comes down to it, what goes on."""

    target: str
    sources: list[tuple[int, str]]
    ends: list[int]
    track: int = 0

    @property
    def span(self) -> tuple[int, int]:
        pins = [column for column, _ in self.sources] + self.ends
        return min(pins), max(pins)

    @property
    def straight(self) -> bool:
        return self.span[0] == self.span[1]


@dataclass(slots=True)
class Lane:
    """A vertical line beside the boxes that leads to one state."""

    target: str
    first: int
    last: int
    upwards: bool
    index: int = 0
    column: int = 0


@dataclass(slots=True)
class Layout:
    """A finished arrangement. ``channels[n]`` is above layer n; the last one is below all boxes."""

    boxes: dict[str, Box]
    layers: list[list[str]]
    channels: list[list[Net]]
    lanes: list[Lane]
    width: int = 0


def arrange(boxes: Sequence[Box], edges: Sequence[Edge], width: int) -> Layout | None:
    """The arrangement within ``width`` columns, or None when there is none."""
    by_name = {box.name: box for box in boxes}
    ways = Ways(by_name, edges)
    _measure(by_name, ways)
    room = width
    for _ in range(6):
        layers = _layered(by_name, ways, room)
        if layers is None:
            return None
        found = _placed(by_name, layers, ways)
        if found.width <= width:
            return found
        room -= max(found.width - width, 4)
    return None


# --- sizes and ports ---------------------------------------------------------------------------------------


def _measure(boxes: dict[str, Box], ways: Ways) -> None:
    for name, box in boxes.items():
        inner = max(cells(row) for row in box.rows)
        ports = sum(map(_port_room, ways.out[name]))
        box.width = max(inner + 4, cells(box.badge) + 6, ports + 2)
        box.width += box.width % 2


def _port_room(edge: Edge) -> int:
    room = cells(edge.label) + 2
    return room + room % 2


def _ports(boxes: dict[str, Box], layers: list[list[str]], ways: Ways) -> None:
    rank = {name: n for layer in layers for n, name in enumerate(layer)}
    for box in boxes.values():
        out = sorted(ways.out[box.name], key=lambda edge: _side(box, boxes[edge.target], rank))
        if len(out) == 1:
            column = min(box.width // 2, box.width - _port_room(out[0]))
            box.ports = {out[0].target: max(column - column % 2, 2)}
            continue
        spare = box.width - 2 - sum(map(_port_room, out))
        step = spare // (len(out) + 1) // 2 * 2
        column = 2 + step
        box.ports = {}
        for edge in out:
            box.ports[edge.target] = column
            column += _port_room(edge) + step


def _side(box: Box, other: Box, rank: dict[str, int]) -> tuple[int, int]:
    """Left to right: up, the next layer by place, further down."""
    if other.layer <= box.layer:
        return 0, -other.layer
    return (1, rank[other.name]) if other.layer == box.layer + 1 else (2, -other.layer)


# --- layers ------------------------------------------------------------------------------------------------


def _layered(boxes: dict[str, Box], ways: Ways, room: int) -> list[list[str]] | None:
    """The states by layer: below all that lead to them (but for the ways back), as many as fit in a row."""
    if any(box.width > room for box in boxes.values()):
        return None
    kept = _forward(ways)
    used: list[int] = []
    layers: list[list[str]] = []
    apart = 0
    for name in _before_followers(kept):
        box = boxes[name]
        level = max((boxes[edge.source].layer + 1 for edge in kept.into[name]), default=0)
        if not kept.into[name] and layers:  # what nothing leads to goes below the rest
            apart = apart or len(layers)
            level = apart
        while level < len(layers) and used[level] + GAP + box.width > room:
            level += 1
        if level == len(layers):
            layers.append([])
            used.append(-GAP)
        layers[level].append(name)
        used[level] += GAP + box.width
        box.layer = level
    return layers


def _before_followers(ways: Ways) -> Iterator[str]:
    """The states so that each comes after all that lead to it, else in the given order."""
    order = {name: number for number, name in enumerate(ways.out)}
    waiting = {name: len(ways.into[name]) for name in order}
    ready = [(number, name) for name, number in order.items() if not waiting[name]]
    heapify(ready)
    while ready:
        _, name = heappop(ready)
        yield name
        for edge in ways.out[name]:
            waiting[edge.target] -= 1
            if not waiting[edge.target]:
                heappush(ready, (order[edge.target], edge.target))


def _forward(ways: Ways) -> Ways:
    """The edges without those that lead back: to a state still being explored, or to an earlier part."""
    kept: list[Edge] = []
    entered: set[str] = set()
    for start in ways.out:
        if start not in entered:
            kept += _explored(start, ways, entered)
    return Ways(ways.out, kept)


def _explored(start: str, ways: Ways, entered: set[str]) -> list[Edge]:
    earlier = frozenset(entered)
    kept: list[Edge] = []
    stack = [(start, iter(ways.out[start]))]
    entered.add(start)
    open_now = {start}
    while stack:
        name, rest = stack[-1]
        way = next(rest, None)
        if way is None:
            open_now.discard(name)
            stack.pop()
        elif way.target not in open_now and way.target not in earlier:
            kept.append(way)
            if way.target not in entered:
                entered.add(way.target)
                open_now.add(way.target)
                stack.append((way.target, iter(ways.out[way.target])))
    return kept


def _sorted(layers: list[list[str]], ways: Ways) -> None:
    """Three sweeps that move every state below the middle of those that lead to it, and back."""
    for sweep in range(3):
        downwards = sweep % 2 == 0
        for level in range(len(layers)) if downwards else range(len(layers) - 1, -1, -1):
            other = level - 1 if downwards else level + 1
            if not 0 <= other < len(layers):
                continue
            place = {name: n for n, name in enumerate(layers[other])}
            now = {name: n for n, name in enumerate(layers[level])}
            weight = {
                name: _middle([place[n] for n in _beside(name, ways) if n in place], now[name])
                for name in layers[level]
            }
            layers[level].sort(key=weight.__getitem__)


def _beside(name: str, ways: Ways) -> list[str]:
    return [edge.source for edge in ways.into[name]] + [edge.target for edge in ways.out[name]]


def _middle(places: list[int], otherwise: float) -> float:
    return sum(places) / len(places) if places else otherwise


# --- columns -----------------------------------------------------------------------------------------------


def _placed(boxes: dict[str, Box], layers: list[list[str]], ways: Ways) -> Layout:
    _sorted(layers, ways)
    _ports(boxes, layers, ways)
    lanes = _lanes(boxes, ways)
    widest = max(sum(boxes[n].width + GAP for n in layer) - GAP for layer in layers)
    for layer in layers:
        wanted = [_wanted(boxes, name, ways, widest) for name in layer]
        _spread([boxes[name] for name in layer], wanted, widest)
    margin = 2 * sum(1 for _ in {lane.index for lane in lanes if lane.upwards})
    for box in boxes.values():
        box.left += margin
    for lane in lanes:
        lane.column = margin - 2 - 2 * lane.index if lane.upwards else margin + widest + 1 + 2 * lane.index
    for box in boxes.values():
        box.entry = _entry(boxes, box, ways)
    channels = _nets(boxes, layers, ways, lanes)
    right = max((lane.column for lane in lanes if not lane.upwards), default=margin + widest - 1)
    return Layout(boxes, layers, channels, lanes, right + 1)


def _wanted(boxes: dict[str, Box], name: str, ways: Ways, widest: int) -> int:
    """The left column that puts a box straight below the first state that leads to it."""
    box = boxes[name]
    for source in _above(boxes, box, ways):
        return source.left + source.ports[name] - box.width // 2
    return (widest - box.width) // 2


def _above(boxes: dict[str, Box], box: Box, ways: Ways) -> Iterator[Box]:
    """The boxes of the layer above that lead to a box."""
    sources = (boxes[edge.source] for edge in ways.into[box.name])
    return (source for source in sources if source.layer == box.layer - 1)


def _spread(row: list[Box], wanted: list[int], widest: int) -> None:
    edge = 0
    for box, left in zip(row, wanted, strict=True):
        box.left = max(left, edge)
        box.left += box.left % 2
        edge = box.left + box.width + GAP - GAP % 2
    limit = widest
    for box in reversed(row):
        box.left = min(box.left, limit - box.width)
        box.left = max(box.left - box.left % 2, 0)
        limit = box.left - GAP


def _entry(boxes: dict[str, Box], box: Box, ways: Ways) -> int:
    """The column at the top of a box: below its source where that is straight, else near the middle."""
    for source in _above(boxes, box, ways):
        column = source.left + source.ports[box.name]
        if box.left < column < box.left + box.width - 1:
            return column
    return box.left + (box.width // 2 | 1)


# --- lines -------------------------------------------------------------------------------------------------


def _lanes(boxes: dict[str, Box], ways: Ways) -> list[Lane]:
    found: dict[tuple[str, bool], Lane] = {}
    for edge in ways:
        source, target = boxes[edge.source].layer, boxes[edge.target].layer
        if source == target - 1:
            continue
        upwards = source >= target
        lane = found.setdefault(
            (edge.target, upwards), Lane(edge.target, target, target, upwards)
        )  # both ends are channels: above the target, below the source
        lane.first, lane.last = min(lane.first, source + 1), max(lane.last, source + 1)
    for upwards in (True, False):
        ends: list[list[Lane]] = []
        side = [lane for lane in found.values() if lane.upwards is upwards]
        for lane in sorted(side, key=lambda lane: lane.last - lane.first):
            row = next((r for r in ends if all(_apart(lane, other) for other in r)), None)
            if row is None:
                ends.append(row := [])
            row.append(lane)
            lane.index = ends.index(row)
    return list(found.values())


def _apart(one: Lane, other: Lane) -> bool:
    return one.last < other.first or other.last < one.first


def _nets(boxes: dict[str, Box], layers: list[list[str]], ways: Ways, lanes: list[Lane]) -> list[list[Net]]:
    """The nets of every channel, each with its track."""
    columns = {(lane.target, lane.upwards): lane.column for lane in lanes}
    channels: list[dict[str, Net]] = [{} for _ in range(len(layers) + 1)]

    def net(level: int, target: str) -> Net:
        return channels[level].setdefault(target, Net(target, [], []))

    for edge in ways:
        source, target = boxes[edge.source], boxes[edge.target]
        here = net(source.layer + 1, target.name)
        here.sources.append((source.left + source.ports[target.name], source.name))
        if target.layer != source.layer + 1:
            here.ends.append(columns[target.name, source.layer >= target.layer])
    for lane in lanes:
        net(boxes[lane.target].layer, lane.target).ends.append(lane.column)
    for level, nets in enumerate(channels):
        for name, found in nets.items():
            if boxes[name].layer == level:
                found.ends.append(boxes[name].entry)
        _tracks(list(nets.values()))
    return [list(nets.values()) for nets in channels]


def _tracks(nets: list[Net]) -> None:
    """Tracks from the top; two nets share one when they keep apart."""
    rows: list[list[Net]] = []
    for net in sorted((n for n in nets if not n.straight), key=lambda n: (n.span[1] - n.span[0], n.span)):
        row = next((r for r in rows if all(_clear(net, other) for other in r)), None)
        if row is None:
            rows.append(row := [])
        row.append(net)
        net.track = rows.index(row) + 1


def _clear(one: Net, other: Net) -> bool:
    return one.span[1] + 1 < other.span[0] or other.span[1] + 1 < one.span[0]
