"""Following a `config apply` that was given on another server."""

import asyncio
import threading

import pytest

from asterisk_siptrunk import follow as module
from asterisk_siptrunk.call.server import Pulse
from asterisk_siptrunk.database import rollout
from asterisk_siptrunk.database.engine import open_engine, transaction
from asterisk_siptrunk.errors import ApplyBusy, ApplyFailed, DatabaseUnavailable
from asterisk_siptrunk.follow import Follower
from tests.unit.database.test_servers import beat, the_servers


class Beside:
    """The Asterisk beside a service: it takes what it is given, or says why not."""

    def __init__(self, engine) -> None:
        self.engine = engine
        self.brought = 0
        self.error: Exception | None = None
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.database_is_away = False
        self.follower = Follower("two", self.bring, self.submit)

    def bring(self) -> str:
        self.brought += 1
        assert self.may_go_on.wait(5)
        if self.error is not None:
            raise self.error
        return f"made-{self.brought}"

    def submit(self, work):
        future = asyncio.get_running_loop().create_future()
        if self.database_is_away:
            future.set_exception(DatabaseUnavailable("away"))
        else:
            with transaction(self.engine) as connection:
                future.set_result(work(connection))
        return future

    async def beat(self) -> None:
        """Hear of one beat, and do what follows from it."""
        self.follower.hear(self.pulse())
        await self.follower.stop()

    def pulse(self) -> Pulse:
        return beat(self.engine, "two")

    @property
    def known(self):
        one = the_servers(self.engine)["two"]
        return one.follows, one.config_generation, one.config_error


@pytest.fixture
def beside(sqlite_url):
    engine = open_engine(sqlite_url)
    for name in ("one", "two"):
        beat(engine, name)
    yield Beside(engine)
    engine.dispose()


def want(beside) -> None:
    with transaction(beside.engine) as connection:
        rollout.want(connection, "one", "made-there")


def test_an_apply_on_another_server_is_followed_once(beside):
    async def run():
        await beside.beat()
        assert beside.brought == 0
        want(beside)
        await beside.beat()
        await beside.beat()

    asyncio.run(run())
    assert (beside.brought, beside.known) == (1, (True, "made-1", ""))


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ApplyFailed("extensions.conf:7: no\nBack in place."), "extensions.conf:7: no Back in"),
        (ValueError("secret=x"), "ValueError: a defect"),
    ],
)
def test_a_failure_is_told_and_tried_again_at_the_next_apply_or_after_a_minute(
    beside, error, told, monkeypatch
):
    async def run():
        beside.error = error
        want(beside)
        await beside.beat()
        await beside.beat()
        assert beside.brought == 1
        assert told in beside.known[2]
        assert "secret" not in beside.known[2]
        want(beside)
        await beside.beat()
        assert beside.brought == 2
        beside.error = None
        monkeypatch.setattr(asyncio.get_running_loop(), "time", _later(module.RETRY_SECONDS))
        await beside.beat()

    asyncio.run(run())
    assert (beside.brought, beside.known) == (3, (True, "made-3", ""))


def _later(seconds: float):
    then = asyncio.get_running_loop().time() + seconds
    return lambda: then


def test_beats_wait_for_no_configuration_and_one_is_brought_at_a_time(beside):
    async def run():
        beside.may_go_on.clear()
        want(beside)
        beside.follower.hear(beside.pulse())
        async with asyncio.timeout(5):
            while not beside.brought:  # noqa: ASYNC110 - a thread's doing
                await asyncio.sleep(0.005)
        want(beside)
        beside.follower.hear(beside.pulse())
        beside.may_go_on.set()
        await beside.follower.stop()
        assert beside.brought == 1
        await beside.beat()

    asyncio.run(run())
    assert (beside.brought, beside.known) == (2, (True, "made-2", ""))


def test_an_apply_by_hand_meanwhile_is_no_failure(beside):
    async def run():
        want(beside)
        beside.error = ApplyBusy("another process is applying a configuration; wait for it.")
        await beside.beat()
        assert beside.known == (False, "", "")
        beside.error = None
        await beside.beat()

    asyncio.run(run())
    assert (beside.brought, beside.known) == (2, (True, "made-2", ""))


def test_what_could_not_be_noted_is_asked_again(beside):
    async def run():
        want(beside)
        pulse = beside.pulse()
        beside.database_is_away = True
        beside.follower.hear(pulse)
        await beside.follower.stop()
        beside.database_is_away = False
        await beside.beat()

    asyncio.run(run())
    assert beside.known == (True, "made-2", "")


def test_a_service_that_ends_waits_for_what_is_under_way(beside):
    async def run():
        beside.may_go_on.clear()
        want(beside)
        beside.follower.hear(beside.pulse())
        asyncio.get_running_loop().call_later(0.05, beside.may_go_on.set)
        await beside.follower.stop()

    asyncio.run(run())
    assert beside.known[0]
