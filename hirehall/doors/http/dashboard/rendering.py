"""Templates to text. Everything is escaped; a name that a template does not know is a mistake, not nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from hirehall import spans
from hirehall.doors.http.dashboard import drawing, statics, times, wording

_environment = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    undefined=StrictUndefined,
    auto_reload=False,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters.update(
    number=wording.number,
    rate=wording.rate,
    span=wording.span,
    about=wording.about,
    labels=wording.labels,
    size=wording.size,
    written=spans.written,
    clock=times.clock,
    points=drawing.points,
    width=drawing.width,
)
_environment.globals.update(static=statics.address)


def render(template: str, facts: dict[str, Any]) -> str:
    """This template of these facts."""
    return _environment.get_template(template).render(facts)


def render_part(part: str, facts: dict[str, Any]) -> bytes:
    """One part, addressed to the element of its name: htmx puts it there and keeps what has not changed."""
    inner = render(f"parts/{part}.html", facts)
    return f'<hx-partial hx-target="#{part}" hx-swap="outerMorph">{inner}</hx-partial>\n'.encode()
