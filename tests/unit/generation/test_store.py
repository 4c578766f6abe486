"""Our folder, changed by root and by the service's own account in turn."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from asterisk_siptrunk.errors import ConfigurationError
from asterisk_siptrunk.generation.manifest import Manifest
from asterisk_siptrunk.generation.store import Store

ACCOUNT = 54_321


@contextmanager
def acting_as(account: int) -> Iterator[None]:
    os.seteuid(account)
    try:
        yield
    finally:
        os.seteuid(0)


def exchange(store: Store, text: str) -> None:
    with store.locked():
        store.swap({"pjsip.conf": text}, Manifest(files={"pjsip.conf": text}))
        store.keep()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another account")
def test_root_and_the_account_that_owns_the_folder_apply_in_turn():
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        store = Store(Path(place))
        exchange(store, "; by root\n")
        for path in (store.folder, *store.folder.rglob("*")):
            os.chown(path, ACCOUNT, -1)
        for text in ("; first", "; second"):
            with acting_as(ACCOUNT):
                exchange(store, f"{text} by the account\n")
            exchange(store, f"{text} by root\n")
        with acting_as(ACCOUNT):
            exchange(store, "; last\n")
        assert store.texts(["pjsip.conf"]) == {"pjsip.conf": "; last\n"}
        assert store.previous_texts() == {"pjsip.conf": "; second by root\n"}
        owners = {path.stat().st_uid for path in (store.folder, *store.folder.rglob("*"))}
        assert owners == {ACCOUNT}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("name", ["lock", "staged", "before"])
def test_root_is_not_led_elsewhere_by_a_link_of_the_account_that_owns_the_folder(tmp_path, name):
    store = Store(tmp_path)
    exchange(store, "; first\n")
    os.chown(store.folder, ACCOUNT, -1)
    elsewhere = tmp_path / "elsewhere"
    if name == "lock":
        elsewhere.write_text("root's")
        (store.folder / name).unlink()
    else:
        elsewhere.mkdir()
    (store.folder / name).symlink_to(elsewhere)
    with pytest.raises(ConfigurationError, match=name):
        exchange(store, "; second\n")
    assert elsewhere.stat().st_uid == 0
    assert elsewhere.is_dir() or elsewhere.read_text() == "root's"
    assert not (elsewhere.is_dir() and list(elsewhere.iterdir()))
