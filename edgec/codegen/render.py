"""Templates: the one way to render a file."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import jinja2

from edgec.resources import resource_dir


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(resource_dir("templates")),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )


def render(template: str, values: Mapping[str, object]) -> str:
    """The text of a template of templates/; an unknown name in it is an error."""
    return _environment().get_template(template).render(**values)
