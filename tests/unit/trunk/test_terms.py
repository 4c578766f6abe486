"""Terms that a trunk has a use for."""

import pytest

from asterisk_siptrunk.errors import InvalidInput
from asterisk_siptrunk.trunk import TrunkKind
from asterisk_siptrunk.trunk.terms import require_use


@pytest.mark.parametrize(
    ("kind", "term"),
    [
        (TrunkKind.REGISTERED, "contact"),
        (TrunkKind.REGISTERED, "inbound_context"),
        (TrunkKind.ADDRESS, "inbound_context"),
        (TrunkKind.LOCAL, "addresses"),
        (TrunkKind.LOCAL, "srtp"),
    ],
)
def test_what_nothing_is_made_of(kind, term):
    with pytest.raises(InvalidInput, match=f"trunk of kind {kind}"):
        require_use(kind, {term: "something"})
    require_use(kind, {term: None, "channels": 3})


def test_an_option_is_called_as_people_type_it():
    with pytest.raises(InvalidInput, match="--address does nothing"):
        require_use(TrunkKind.LOCAL, {"addresses": ("192.0.2.0/24",)})
