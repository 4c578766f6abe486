"""Two secrets of one trunk: both are good for a while, and then one of them is not any more."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from asterisk_siptrunk.call import CallRecord
from asterisk_siptrunk.database import connecting, trunks
from asterisk_siptrunk.database.connecting import Sign
from asterisk_siptrunk.database.engine import reading, transaction
from asterisk_siptrunk.database.tables import trunk
from tests.lab.hostile import Fields, HostilePbx
from tests.lab.processes import free_ports
from tests.lab.provider import Provider
from tests.lab.sipp import FOR_EVER_MS, Call, SippAnswerer, SippCaller, register

pytestmark = pytest.mark.asterisk

CARRIER_HOST, PBX_HOST, OTHER_HOST, THIRD_HOST = (f"127.0.0.{last}" for last in (2, 3, 34, 35))
MAIN, MOBILE = "+33123456789", "0612345678"
USERNAME = "trunk-acme"
# Never given by this server: as old as one can be.
OLD_NONCE = b'WWW-Authenticate: Digest realm="siptrunk", nonce="1/0", algorithm=MD5'


@dataclass
class Rotated:
    """A trunk whose secret was replaced with a day of grace, in the middle of a call."""

    provider: Provider
    old: str
    new: str
    bystander: CallRecord

    @property
    def target(self) -> str:
        return self.provider.asterisk.sip_address

    def registers(self, secret: str, host: str = PBX_HOST) -> int:
        (port,) = free_ports(1, "udp")
        return register(self.target, USERNAME, secret, port, host=host).status

    def calls(self, secret: str) -> int:
        with HostilePbx(self.target, PBX_HOST, USERNAME, secret) as pbx:
            return pbx.call(Fields())

    def told_with_an_old_nonce(self, secret: str) -> bytes:
        with HostilePbx(self.target, PBX_HOST, USERNAME, secret) as pbx:
            status, answer = pbx._invite(Fields(), pbx._authorization(OLD_NONCE))
        assert status == 401
        return answer

    def attempts(self, host: str) -> list[tuple[str, int]]:
        rows = self.provider.read("security", "list", "--trunk", "acme")
        return [(row["kind"], row["count"]) for row in rows if row["source"] == host]

    def let_the_grace_end(self) -> None:
        """As if the day had passed; nobody applies anything by hand after it."""
        with transaction(self.provider.engine) as connection:
            connection.execute(update(trunk).values(previous_until=datetime.now(UTC)))
        self.provider.until(
            lambda: (
                self.provider.read("trunk", "show", "acme")["previous_until"] is None
                and "Asterisk has generation" in self.provider.daemon_log
            ),
            30,
            "the servers to forget the old secret",
        )


@pytest.fixture(scope="module")
def rotated() -> Iterator[Rotated]:
    with SippAnswerer(host=CARRIER_HOST, trace=False) as carrier, Provider() as own:
        own.do("customer", "add", "acme")
        add = ("trunk", "add", "acme", "--customer", "acme", "--channels", "5", "--number", MAIN)
        old = own.read(*add)["secret"]
        own.do(
            *("carrier", "add", "telco", "--profile", "generic", "--server", carrier.address),
            *("--match", CARRIER_HOST, "--qualify", "0"),
        )
        own.do("config", "apply", "--yes")
        own.serve()
        call = Call(MAIN, MOBILE, USERNAME, old)
        target = own.asterisk.sip_address
        with SippCaller(target, [call], host=OTHER_HOST, hold_ms=FOR_EVER_MS, trace=False):
            own.until(lambda: [one for one in own.live() if one.answered_at], what="a call")
            new = own.read("trunk", "rotate-secret", "acme", "--yes", "--grace", "24h")["secret"]
            own.do("config", "apply", "--yes")
            yield Rotated(own, old, new, own.live()[0])


def test_both_are_good_in_the_grace_and_no_third_one(rotated: Rotated):
    for asks in (rotated.registers, rotated.calls):
        assert [asks(rotated.old), asks(rotated.new), asks("another")] == [200, 200, 401]


def test_a_pbx_with_either_is_no_attempt_to_guess(rotated: Rotated):
    """What counts as one is a password that is neither."""
    statuses = [rotated.registers(each, THIRD_HOST) for each in (rotated.old, rotated.new, "no")]
    assert statuses == [200, 200, 401]
    rotated.provider.until(lambda: rotated.attempts(THIRD_HOST), 15, "the attempt")
    assert rotated.attempts(THIRD_HOST) == [("ChallengeResponseFailed", 1)]


def test_whoever_was_told_nothing_is_told_of_an_old_nonce_as_ever(rotated: Rotated):
    """Who keeps a nonce for its next registration must not take this for a wrong password."""
    assert b"stale=true" in rotated.told_with_an_old_nonce(rotated.old)
    assert b"stale=true" not in rotated.told_with_an_old_nonce("another")


def test_whoever_connects_a_pbx_is_told_what_is_wrong_and_what_is_right(rotated: Rotated):
    """As the page of the trunk tells it, each within seconds of when it happened."""
    since = datetime.now(UTC)

    def seen() -> set[tuple[Sign, str]]:
        with reading(rotated.provider.engine) as connection:
            one = trunks.get(connection, "acme")
            found = connecting.seen_since(connection, one, since)
        return {(each.sign, each.source.partition(":")[0]) for each in found}

    def is_told(sign: Sign) -> None:
        rotated.provider.until(lambda: (sign, THIRD_HOST) in seen(), 30, sign)

    rotated.registers("no", THIRD_HOST)
    is_told(Sign.PASSWORD)
    rotated.registers(rotated.new, THIRD_HOST)
    is_told(Sign.REGISTERED)
    assert rotated.calls(rotated.new) == 200
    assert (Sign.CALL_PASSED, "") in seen()


def test_the_old_one_ends_by_itself_and_takes_no_call_along(rotated: Rotated):
    rotated.let_the_grace_end()
    for asks in (rotated.registers, rotated.calls):
        assert [asks(rotated.old), asks(rotated.new)] == [401, 200]
    assert rotated.bystander.uniqueid in {one.uniqueid for one in rotated.provider.live()}
    assert b"stale=true" in rotated.told_with_an_old_nonce(rotated.new)
    changes = [one["change"] for one in rotated.provider.read("trunk", "history", "acme")]
    assert changes[0] == "the secret before works no more"
