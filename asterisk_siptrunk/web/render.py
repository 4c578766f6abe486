"""Pages made of templates; everything in them is escaped."""

from pathlib import Path
from urllib.parse import unquote

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from asterisk_siptrunk.settings import Settings
from asterisk_siptrunk.web.words import LANGUAGES, Words

FOLDER = Path(__file__).with_name("templates")


class Renderer:
    """One for the whole application."""

    def __init__(self, settings: Settings) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(FOLDER),
            autoescape=select_autoescape(default=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.do"],
        )
        self._environment.filters["unquote"] = unquote
        self._environment.globals |= {
            "provider": settings.provider.name,
            "languages": LANGUAGES,
        }

    def render(self, template: str, words: Words, **values: object) -> str:
        """A template in a reader's language: `_` says a sentence, `words` writes dates."""
        speaks = {"_": words.say, "_n": words.say_many, "words": words}
        return self._environment.get_template(template).render(**speaks, **values)
