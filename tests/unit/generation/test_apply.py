from dataclasses import replace

import pytest

from asterisk_siptrunk.errors import ApplyBusy, ApplyFailed, CheckFailed, ConfigurationError
from asterisk_siptrunk.generation.apply import apply_plan, roll_back
from asterisk_siptrunk.generation.inventory import shard_of
from asterisk_siptrunk.generation.plan import make_plan
from asterisk_siptrunk.generation.server import Module
from asterisk_siptrunk.generation.store import Store
from asterisk_siptrunk.trunk import Transport
from tests.unit.generation.fakes import FakeAsterisk
from tests.unit.generation.samples import ACME, CARRIERS, GONE, TRUNKS, Provider, settings

pytestmark = pytest.mark.usefixtures("few_patterns")


class Site:
    """A provider, its folder and its Asterisk."""

    def __init__(self, folder):
        self.provider = Provider()
        self.settings = settings(folder)
        self.store = Store(folder)
        self.asterisk = FakeAsterisk(folder)
        self.store.prepare(["pjsip.conf", "extensions.conf"])

    def plan(self):
        return make_plan(self.provider, self.settings, self.store)

    def apply(self):
        plan = self.plan()
        apply_plan(plan, self.store, self.asterisk)
        return plan

    def files(self):
        folder = self.store.folder
        return {path.name: path.read_text() for path in folder.iterdir() if path.suffix}


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


@pytest.fixture
def applied(site):
    site.apply()
    site.asterisk.reloads.clear()
    site.provider.read.clear()
    return site


def test_first_apply_brings_everything(site):
    plan = site.apply()
    assert site.asterisk.generation() == f"g{plan.after.generation}"
    names = {f"trunk-{t.name}" for t in TRUNKS if t.name not in {"phones", "gone"}}
    assert site.asterisk.endpoints() == names | {f"carrier-{c.name}" for c in CARRIERS}
    assert plan.summary().added == tuple(sorted(t.name for t in TRUNKS if t is not GONE))


def test_files_are_for_asterisk_alone(applied):
    modes = {path.stat().st_mode & 0o777 for path in applied.store.folder.glob("*.conf")}
    assert modes == {0o640}


def test_applying_twice_changes_nothing(applied):
    before = applied.files()
    plan = applied.apply()
    assert plan.is_empty
    assert plan.diff() == ""
    assert applied.asterisk.reloads == [Module.CDR_CUSTOM]
    assert applied.provider.read == []
    assert applied.files() == before


def test_one_changed_trunk_rewrites_one_shard(applied):
    applied.provider.set(replace(ACME, channels=11))
    plan = applied.apply()
    shard = f"{shard_of('acme'):02}"
    assert set(plan.new) == {f"extensions_trunks_{shard}.conf", "extensions.conf"}
    assert applied.provider.read == [shard_of("acme")]
    assert plan.summary().changed == ("acme",)
    assert plan.modules == (Module.DIALPLAN,)
    assert "+exten => _to+X!" in plan.diff()


def test_diff_shows_no_secret(site):
    diff = site.plan().diff()
    assert "(not shown)" in diff
    for secret in ("listen-secret", "pass\\;word", "SHA-256:", "MD5:"):
        assert secret not in diff.replace("= SHA-256,MD5", "")


def test_trunk_that_ends_vanishes(applied):
    applied.provider.set(replace(ACME, ended=True))
    plan = applied.apply()
    assert plan.summary().removed == ("acme",)
    assert "trunk-acme" not in applied.asterisk.endpoints()


def test_hand_edited_file_goes_back(applied):
    before = applied.files()
    path = applied.store.folder / "extensions_base.conf"
    path.write_text(path.read_text().replace("siptrunk-call-out", "everywhere"))
    assert set(applied.apply().new) == {"extensions_base.conf"}
    assert applied.files() == before


def test_unreadable_manifest_means_rendering_anew(applied):
    (applied.store.folder / "manifest.json").write_text("{")
    plan = applied.apply()
    assert len(applied.provider.read) == len({shard_of(t.name) for t in TRUNKS})
    assert plan.after.generation == applied.plan().before.generation


def fail_and_compare(site, match):
    before = site.files()
    generation = site.asterisk.generation()
    with pytest.raises(ApplyFailed, match=match) as failed:
        site.apply()
    assert site.files() == before
    assert site.asterisk.generation() == generation
    return str(failed.value)


def test_endpoint_that_asterisk_rejects_rolls_back(applied):
    applied.asterisk.rejects = {"trunk-fresh"}
    applied.provider.set(replace(ACME, name="fresh", numbers=()))
    told = fail_and_compare(applied, "has no endpoint trunk-fresh")
    shard = f"{shard_of('fresh'):02}"
    assert f"siptrunk/pjsip_trunks_{shard}.conf:" in told
    assert "back in place. Asterisk has read its files again" in told
    assert "trunk-acme" in applied.asterisk.endpoints()


def test_endpoint_that_keeps_its_old_self_rolls_back(applied):
    applied.asterisk.keeps = {"trunk-bank"}
    bank = applied.provider.by_name["bank"]
    applied.provider.set(replace(bank, srtp=False))
    told = fail_and_compare(applied, "has not taken endpoint trunk-bank")
    line = told.partition(".conf:")[2].partition(":")[0]
    text = applied.store.folder / f"pjsip_trunks_{shard_of('bank'):02}.conf"
    assert text.read_text().splitlines()[int(line) - 1].startswith("[trunk-bank]")


def test_endpoint_that_does_not_vanish_rolls_back(applied):
    applied.asterisk.keeps = {"trunk-acme"}
    applied.provider.set(replace(ACME, ended=True))
    fail_and_compare(applied, "trunk-acme is still there")


def test_dialplan_that_was_not_read_rolls_back(applied):
    applied.asterisk.deaf_to_dialplan = True
    applied.provider.set(replace(ACME, channels=12))
    fail_and_compare(applied, "still has the dialplan of generation")


def test_server_that_does_not_include_us(site):
    site.asterisk.deaf_to_dialplan = True
    fail_and_compare(site, "config install")


def test_asterisk_that_dies_in_between(applied):
    applied.asterisk.dies_at = Module.PJSIP
    applied.provider.set(replace(ACME, transport=Transport.TLS, srtp=True))
    told = fail_and_compare(applied, "Asterisk is silent")
    assert told == "Asterisk is silent.\nThe files from before are back in place."


def test_an_asterisk_that_is_away_is_told_of_once_and_of_no_files_that_were_not_there(site):
    site.asterisk.dies_at = Module.CDR
    told = fail_and_compare(site, "Asterisk is silent")
    assert told.count("silent") == 1
    assert "no files before: the new ones are taken away again." in told


def test_changed_base_asks_for_every_endpoint(applied):
    applied.asterisk.rejects = {"trunk-travel"}
    applied.settings = settings(applied.settings.asterisk.config_dir, sip_port=5062)
    fail_and_compare(applied, "has no endpoint trunk-travel")


def test_journal_that_declined_to_load_is_loaded(site):
    site.asterisk.stopped = {Module.CDR_CUSTOM}
    assert apply_plan(site.plan(), site.store, site.asterisk) == ()
    assert site.asterisk.stopped == set()


def test_journal_that_does_not_load_is_told_at_every_apply_and_no_failure(site):
    site.asterisk.stopped = site.asterisk.unloadable = {Module.CDR_CUSTOM}
    for _ in range(2):
        (note,) = apply_plan(site.plan(), site.store, site.asterisk)
        assert "asterisk -rx 'module load cdr_custom.so'" in note


def test_asterisk_that_has_not_read_the_files_in_place_is_made_to(applied):
    applied.asterisk = FakeAsterisk(applied.settings.asterisk.config_dir)
    (note,) = apply_plan(applied.plan(), applied.store, applied.asterisk)
    assert "now it has" in note
    assert "trunk-acme" in applied.asterisk.endpoints()
    applied.asterisk = FakeAsterisk(applied.settings.asterisk.config_dir)
    applied.asterisk.deaf_to_dialplan = True
    with pytest.raises(ApplyFailed, match="config install"):
        apply_plan(applied.plan(), applied.store, applied.asterisk)


def test_mapping_of_the_servers_own_that_is_wrong_fails_no_apply(applied):
    applied.asterisk.refuses = {Module.CDR_CUSTOM}
    applied.provider.set(replace(ACME, channels=12))
    (note,) = apply_plan(applied.plan(), applied.store, applied.asterisk)
    assert "keeps no call journal" in note


def test_nothing_to_apply_to_an_asterisk_that_is_away(applied):
    applied.asterisk.dies_at = Module.CDR_CUSTOM
    (note,) = apply_plan(applied.plan(), applied.store, applied.asterisk)
    assert "not known: Asterisk is silent" in note


@pytest.fixture
def one_address(applied):
    """A provider that listens at one address: a transport that is gone has its own test."""
    applied.settings = settings(applied.settings.asterisk.config_dir, bind=("0.0.0.0",))
    applied.apply()
    return applied


def test_transport_that_moves_or_is_missing_is_told_at_every_apply(one_address):
    site = one_address
    assert apply_plan(site.plan(), site.store, site.asterisk) == ()
    folder = site.settings.asterisk.config_dir
    site.settings = settings(folder, bind=("0.0.0.0",), sip_port=5062)
    del site.asterisk.transports["siptrunk-tls"]
    for _ in range(2):
        told = apply_plan(site.plan(), site.store, site.asterisk)
        assert [note.partition(": ")[0] for note in told] == [
            "Transport siptrunk-tcp",
            "Asterisk has no transport siptrunk-tls (bind = 0.0.0.0:5061)",
            "Transport siptrunk-udp",
        ]
        assert "still listens at 0.0.0.0:5060, and not at 0.0.0.0:5062" in told[0]


def test_transport_that_is_gone_listens_until_a_restart(applied):
    folder = applied.settings.asterisk.config_dir
    applied.settings = settings(folder, tls_certificate="", tls_key="")
    told = apply_plan(applied.plan(), applied.store, applied.asterisk)
    assert [note.partition(",")[0] for note in told] == [
        "Transport siptrunk-tls is gone",
        "Transport siptrunk-tls-1 is gone",
    ]


def test_other_certificate_is_told(one_address):
    site = one_address
    folder = site.settings.asterisk.config_dir
    site.settings = settings(folder, bind=("::",), tls_certificate="/etc/ssl/new.pem")
    site.asterisk.transports = {
        f"siptrunk-{name}": f"[0::0]:{port}"
        for name, port in (("udp", 5060), ("tcp", 5060), ("tls", 5061))
    }
    (note,) = apply_plan(site.plan(), site.store, site.asterisk)
    assert note.startswith("Transport siptrunk-tls has other options now. Restart Asterisk")


def test_asterisk_that_cannot_tell_its_transports(applied):
    applied.asterisk.binds_refused = "no func_sorcery.so"
    (note,) = apply_plan(applied.plan(), applied.store, applied.asterisk)
    assert note == "Whether Asterisk has the transports is not known: no func_sorcery.so"


def test_refused_reload_of_the_dialplan_is_a_failure(applied):
    applied.asterisk.refuses = {Module.DIALPLAN}
    applied.provider.set(replace(ACME, channels=12))
    fail_and_compare(applied, "No such module")


def test_broken_site_template_is_found_before_anything_changes(applied, tmp_path):
    site_folder = tmp_path / "templates"
    site_folder.mkdir()
    (site_folder / "pjsip_trunk.conf.j2").write_text(
        "[{{ endpoint }}]\ntype = endpoint\ncontext = {{ endpoint }}\nallow_transfers = no\n"
        "mwi_from_user = {{ marker }}\n"
    )
    before = applied.files()
    applied.settings = settings(tmp_path, templates=str(site_folder))
    shard = f"{shard_of('acme'):02}"
    with pytest.raises(CheckFailed, match=rf"pjsip_trunks_{shard}\.conf:5: .*'allow_transfers'"):
        applied.apply()
    assert applied.files() == before
    assert applied.asterisk.reloads == []


def test_rolling_back_twice_comes_back(applied):
    first = applied.files()
    applied.provider.set(replace(ACME, channels=11))
    applied.apply()
    second = applied.files()
    roll_back(applied.store, applied.asterisk)
    assert applied.files() == first
    assert applied.asterisk.generation() == f"g{applied.store.manifest().generation}"
    roll_back(applied.store, applied.asterisk)
    assert applied.files() == second


def test_nothing_to_roll_back_to(site):
    with pytest.raises(ApplyFailed, match="no generation before"):
        roll_back(site.store, site.asterisk)


def test_failed_apply_leaves_the_way_back(applied):
    applied.provider.set(replace(ACME, channels=11))
    applied.apply()
    before = applied.store.previous()
    applied.asterisk.deaf_to_dialplan = True
    applied.provider.set(replace(ACME, channels=12))
    with pytest.raises(ApplyFailed):
        applied.apply()
    assert applied.store.previous() == before


def test_stale_plan_is_refused(applied):
    applied.provider.set(replace(ACME, channels=11))
    plan = applied.plan()
    applied.provider.set(replace(ACME, channels=12))
    applied.apply()
    with pytest.raises(ApplyBusy, match="plan again"):
        apply_plan(plan, applied.store, applied.asterisk)


def test_folder_that_cannot_be_written(applied):
    (applied.store.folder / "lock").unlink()
    (applied.store.folder / "lock").mkdir()
    with pytest.raises(ConfigurationError, match="lock: Is a directory"):
        apply_plan(applied.plan(), applied.store, applied.asterisk)


def test_one_at_a_time(applied):
    with (
        applied.store.locked(),
        pytest.raises(ApplyBusy, match="another process"),
    ):
        apply_plan(applied.plan(), Store(applied.store.folder.parent), applied.asterisk)
