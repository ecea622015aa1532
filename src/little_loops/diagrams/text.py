"""The graph of a loop as text: boxes and lines, or a list where the terminal is too narrow for them.

Every state is drawn, whether or not anything leads to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from little_loops.config import Config, defaults
from little_loops.diagrams.canvas import Canvas, cells, cut, printable
from little_loops.diagrams.edges import Drawing, drawing, kind
from little_loops.diagrams.layout import Box, Layout, arrange
from little_loops.fsm.schema import FSMLoop, StateConfig

PREVIEW = 30


def _default(name: str) -> dict[str, str]:
    return dict(defaults()[name])


@dataclass(frozen=True, slots=True)
class Look:
    """Badges by kind of state, colours (SGR codes) by label, colour of the active state."""

    glyphs: Mapping[str, str] = field(default_factory=lambda: _default("glyphs"))
    edges: Mapping[str, str] = field(default_factory=lambda: _default("edge_colors"))
    active: str = "32"

    @classmethod
    def of(cls, config: Config) -> Look:
        """The look a project's settings ask for."""
        return cls(config.glyphs, config.edge_colors, config.active_color)


def draw(
    loop: FSMLoop,
    *,
    width: int = 80,
    active: str | None = None,
    color: bool = False,
    verbose: bool = False,
    look: Look | None = None,
) -> str:
    """The picture, without a line end after the last line.

    Args:
        width: columns it may take; below what boxes need it becomes a list.
        active: state that is highlighted.
        color: whether terminal codes are used.
        verbose: whole actions instead of their first line.
        look: badges and colours.
    """
    look = look or Look()
    plan = drawing(loop)
    boxes = [_box(loop, name, plan, look, verbose, width) for name in plan.order]
    layout = arrange(boxes, plan.edges, width)
    if layout is None:
        return as_list(loop, width=width, active=active, color=color, look=look)
    return _Painter(layout, plan, look, active).paint().render(color=color)


def heading(loop: FSMLoop, name: str, look: Look) -> str:
    """The name of a state with its marks: first, end."""
    first = "→ " if name == loop.initial else ""
    last = " ◉" if loop.states[name].terminal else ""
    return f"{first}{printable(name)}{last}"


def badge(state: StateConfig, look: Look) -> str:
    """The sign for what a state does; a kind without one is named in brackets."""
    what = kind(state)
    return "" if what == "end" else look.glyphs.get(what, f"[{what}]")


def _folded(note: str, width: int) -> list[str]:
    """A note of labels joined by slashes, in rows that fit; a single label that does not fit is cut."""
    rows: list[str] = []
    for label in note.split("/"):
        longer = f"{rows[-1]}/{label}" if rows else label
        if rows and cells(longer) <= width:
            rows[-1] = longer
        else:
            rows.append(cut(f"  /{label}" if rows else label, width))
    return rows


def _box(loop: FSMLoop, name: str, plan: Drawing, look: Look, verbose: bool, width: int) -> Box:
    state = loop.states[name]
    rows = [heading(loop, name, look), *_action(state, verbose, width - 8)]
    for note in plan.notes.get(name, ()):
        rows += _folded(note, max(width - 8, 10))
    return Box(name, tuple(rows), badge(state, look))


def _action(state: StateConfig, verbose: bool, room: int) -> list[str]:
    if state.terminal:
        return []
    text = state.loop or state.action or ""
    lines = [printable(line.rstrip().replace("\t", "    ")) for line in text.splitlines() if line.strip()]
    if verbose:
        return [cut(line, max(room, 10)) for line in lines]
    if not lines:
        return []
    first = cut(lines[0].strip(), PREVIEW)
    more = len(lines) > 1 and not first.endswith("…")
    return [cut(first + " …", PREVIEW) if more else first]


class _Painter:
    """Puts an arrangement on a canvas, row by row."""

    def __init__(self, layout: Layout, plan: Drawing, look: Look, active: str | None) -> None:
        self.layout, self.look, self.active = layout, look, active
        self.labels = {(edge.source, edge.target): edge.labels for edge in plan.edges}
        self.canvas = Canvas()
        self.tracks: dict[tuple[int, str], int] = {}

    def paint(self) -> Canvas:
        row = 0
        for level, names in enumerate(self.layout.layers):
            row = self._channel(level, row)
            for name in names:
                self.layout.boxes[name].top = row
            row += max(self.layout.boxes[name].height for name in names)
        self._channel(len(self.layout.layers), row)
        for lane in self.layout.lanes:
            self.canvas.down(
                lane.column, self.tracks[lane.first, lane.target], self.tracks[lane.last, lane.target]
            )
        for level, nets in enumerate(self.layout.channels):
            for net in nets:
                self._net(level, net.target, net.span, net.sources)
        for box in self.layout.boxes.values():
            self._draw_box(box)
        return self.canvas

    def _channel(self, level: int, row: int) -> int:
        """Says which row every track of a channel is in; the row behind the channel."""
        nets = self.layout.channels[level]
        labels = 1 if any(net.sources for net in nets) else 0
        arrows = 1 if any(self.layout.boxes[net.target].layer == level for net in nets) else 0
        for net in nets:
            self.tracks[level, net.target] = row + labels + max(net.track - 1, 0)
        tracks = max((net.track for net in nets), default=0)
        return row + labels + tracks + arrows + (1 if not nets and 0 < level < len(self.layout.layers) else 0)

    def _net(self, level: int, target: str, span: tuple[int, int], sources: list[tuple[int, str]]) -> None:
        row = self.tracks[level, target]
        box = self.layout.boxes[target]
        if span[0] != span[1]:
            self.canvas.across(row, *span)
        for column, source in sources:
            self.canvas.down(column, self.layout.boxes[source].bottom, row)
        if box.layer == level:
            self.canvas.down(box.entry, row, box.top - 1)

    def _draw_box(self, box: Box) -> None:
        style = f"{self.look.active};1" if box.name == self.active else ""
        right, bottom = box.left + box.width - 1, box.bottom
        for row in (box.top, bottom):
            self.canvas.across(row, box.left, right, style)
        for column in (box.left, right):
            self.canvas.down(column, box.top, bottom, style)
        for offset, text in enumerate(box.rows):
            plain = "1" if offset == 0 else "2"
            self.canvas.write(box.top + 1 + offset, box.left + 2, text, style or plain)
        if box.badge:
            self.canvas.write(box.top, right - cells(box.badge) - 2, f" {box.badge} ", style)
        if any(net.target == box.name for net in self.layout.channels[box.layer]):
            self.canvas.write(box.top - 1, box.entry, "▼", style)
        for target, port in box.ports.items():
            self._label(bottom + 1, box.left + port + 1, self.labels[box.name, target])

    def _label(self, row: int, column: int, labels: tuple[str, ...]) -> None:
        for number, label in enumerate(labels):
            if number:
                self.canvas.write(row, column, "/")
                column += 1
            self.canvas.write(row, column, label, self.look.edges.get(label, ""))
            column += cells(label)


def as_list(
    loop: FSMLoop,
    *,
    width: int = 80,
    active: str | None = None,
    color: bool = False,
    look: Look | None = None,
) -> str:
    """The states as a list with their transitions below them."""
    look = look or Look()
    plan = drawing(loop)
    out: list[str] = []
    for name in plan.order:
        state = loop.states[name]
        head = " ".join(part for part in (heading(loop, name, look), badge(state, look)) if part)
        action = "  ".join(_action(state, False, PREVIEW))
        out.append(_styled(cut(head, width), f"{look.active};1" if name == active else "1", color))
        if action:
            out.append(_styled("    " + cut(action, max(width - 4, 8)), "2", color))
        for edge in plan.edges:
            if edge.source == name:
                label = _styled(edge.label, look.edges.get(edge.labels[0], ""), color)
                out.append(f"    {label} → {printable(edge.target)}")
        out += [f"    {note}" for note in plan.notes.get(name, ())]
    return "\n".join(out)


def _styled(text: str, style: str, color: bool) -> str:
    return f"\033[{style}m{text}\033[0m" if color and style else text
