"""Ready profiles of carriers: dated data files, one a provider, in `carrier_profiles/`."""

import tomllib
from enum import StrEnum
from functools import cache
from importlib import resources
from ipaddress import ip_network
from typing import Any, get_type_hints

from asterisk_siptrunk.errors import InvalidInput, NotFound
from asterisk_siptrunk.trunk.carrier import CarrierProfile

_FOLDER = resources.files("asterisk_siptrunk.trunk") / "carrier_profiles"
_ENDING = ".toml"


@cache
def profiles() -> tuple[str, ...]:
    """Names of all profiles."""
    names = (file.name for file in _FOLDER.iterdir())
    return tuple(sorted(name.removesuffix(_ENDING) for name in names if name.endswith(_ENDING)))


@cache
def load_profile(name: str) -> CarrierProfile:
    """The profile of that name.

    Raises:
        NotFound: there is none.
        InvalidInput: its file has a key or a value that we do not know.
    """
    if name not in profiles():
        raise NotFound(f"There is no carrier profile {name}; there are {', '.join(profiles())}.")
    return parse_profile(name, (_FOLDER / f"{name}{_ENDING}").read_text(encoding="utf-8"))


def parse_profile(name: str, text: str) -> CarrierProfile:
    """Read a profile file.

    Raises:
        InvalidInput: it is no TOML, or a key or a value is not known; both are named.
    """
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"Carrier profile {name}: this is not TOML: {error}") from None
    hints = get_type_hints(CarrierProfile)
    if unknown := sorted(set(given) - (set(hints) - {"name"})):
        raise InvalidInput(f"Carrier profile {name}: there is no key {unknown[0]!r}.")
    values = {key: _typed(name, key, hints[key], value) for key, value in given.items()}
    required = {"title", "mode", "source", "as_of"}
    if missing := sorted(required - set(values)):
        raise InvalidInput(f"Carrier profile {name}: the key {missing[0]!r} is missing.")
    return CarrierProfile(name=name, **values)


def _typed(name: str, key: str, hint: Any, value: Any) -> Any:  # noqa: ANN401 - TOML's values
    try:
        if isinstance(hint, type) and issubclass(hint, StrEnum):
            return hint(value)
        if key == "match":
            return tuple(ip_network(text) for text in value)
        if isinstance(value, list):
            return tuple(map(str, value))
    except ValueError as error:
        raise InvalidInput(f"Carrier profile {name}: {key}: {error}") from None
    if type(value) is not hint:
        raise InvalidInput(f"Carrier profile {name}: {key}: {value!r} is not {hint.__name__}.")
    return value
