"""Which terms are of use to a trunk, by its kind."""

from collections.abc import Mapping
from typing import Any

from asterisk_siptrunk.errors import InvalidInput
from asterisk_siptrunk.trunk.trunk import TrunkKind

_IDLE = {
    TrunkKind.REGISTERED: ("contact", "inbound_context"),
    TrunkKind.ADDRESS: ("inbound_context",),
    TrunkKind.LOCAL: ("addresses", "contact", "transport", "srtp"),
}
_OPTIONS = {"addresses": "address"}


def require_use(kind: TrunkKind, values: Mapping[str, Any]) -> None:
    """Refuse terms that a trunk of this kind has no use for: whoever gives one expects something.

    What takes a term away is let pass.

    Raises:
        InvalidInput: which one.
    """
    for term in _IDLE[kind]:
        if values.get(term):
            option = _OPTIONS.get(term, term).replace("_", "-")
            raise InvalidInput(f"--{option} does nothing for a trunk of kind {kind}: leave it out.")
