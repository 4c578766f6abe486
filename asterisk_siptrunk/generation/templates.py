"""The templates: ours, and those of a site that stand in for them file by file."""

import hashlib
from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined, TemplateError
from jinja2.runtime import Undefined

from asterisk_siptrunk.errors import TemplateFailed
from asterisk_siptrunk.generation import escape

SUFFIX = ".j2"


def shipped_folder(name: str) -> Path:
    """Where a folder of ours is: inside the package when installed, beside it in the repository."""
    package = Path(__file__).parents[1]
    inside = package / name
    return inside if inside.is_dir() else package.parent / name


class Templates:
    """Templates of one folder of a site, if any, before ours.

    An undefined name is an error, and every printed value passes `escape.safe`.
    """

    def __init__(self, site: Path | None = None) -> None:
        self._environment = _environment(
            tuple(filter(None, (site, shipped_folder("dialplan_templates"))))
        )

    @cached_property
    def digest(self) -> str:
        """A digest over all templates as they stand now."""
        whole = hashlib.sha256()
        for name in self._environment.list_templates():
            source, _, _ = self._environment.loader.get_source(self._environment, name)  # type: ignore[union-attr] # given above
            whole.update(f"{name}\0{source}\0".encode())
        return whole.hexdigest()

    def render(self, name: str, values: Mapping[str, object]) -> str:
        """Render one template.

        Raises:
            TemplateFailed: it is missing, is no template, or names what is not there; with the
                file and the line.
            UnsafeValue: a value cannot stand in Asterisk's files.
        """
        try:
            return self._environment.get_template(name + SUFFIX).render(values)
        except TemplateError as error:
            raise TemplateFailed(self._place(name, error)) from error

    def _place(self, name: str, error: TemplateError) -> str:
        line = getattr(error, "lineno", None) or _template_line(error)
        where = f"{name}{SUFFIX}" + (f":{line}" if line else "")
        return f"{where}: {error.message or type(error).__name__}"


@cache
def _environment(folders: tuple[Path, ...]) -> Environment:
    """Jinja's environment for these folders; it sees by itself when a template has changed."""
    environment = Environment(
        loader=ChoiceLoader([FileSystemLoader(folder) for folder in folders]),
        undefined=StrictUndefined,
        # No HTML: `finalize` refuses what would not be a value.
        autoescape=False,  # noqa: S701 # nosec B701
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        secret=escape.secret,
        context=escape.context,
        digits=escape.digits,
        syntax=escape.Verbatim,
    )
    return environment


def _finalize(value: object) -> object:
    return value if isinstance(value, Undefined) else escape.safe(value)


def _template_line(error: TemplateError) -> int | None:
    """The line of the template that was being rendered: Jinja rewrites the traceback to show it."""
    line, step = None, error.__traceback__
    while step:
        if step.tb_frame.f_code.co_filename.endswith(SUFFIX):
            line = step.tb_lineno
        step = step.tb_next
    return line
