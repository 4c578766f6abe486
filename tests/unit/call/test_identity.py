"""The second that a UniqueID names."""

import pytest

from asterisk_siptrunk.call import epoch_of


@pytest.mark.parametrize(
    ("uniqueid", "epoch"),
    [
        ("pbx1-1795432920.129", 1795432920),
        ("1795432920.129", 1795432920),
        ("pbx-2-eu-1795432920.1", 1795432920),
        ("0000000000.1", 0),
        # Any channel can be given another UniqueID: these name none.
        ("", 0),
        ("pbx1", 0),
        ("pbx1-12345678901.1", 0),
        ("pbx1-1795432920", 0),
        ("pbx1-1795432920.", 0),
        ("pbx1-1795432920.1x", 0),
        ("pbx1_1795432920.1", 0),
        ("pbx1-1795432920.1\n", 0),
        ("pbx1-١٧٩٥.1", 0),
    ],
)
def test_the_epoch_of_a_uniqueid(uniqueid, epoch):
    assert epoch_of(uniqueid) == epoch
