"""The list of who is registered: read when it may have changed, and seldom."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import pytest

from asterisk_siptrunk.asterisk import registrations as module
from asterisk_siptrunk.asterisk.registrations import RegistrationWatch
from asterisk_siptrunk.call import Contact, RegistrationChange
from asterisk_siptrunk.errors import AmiRefused
from tests.unit.asterisk.test_listener import NOW, MemoryStore

ACME = Contact("acme", "192.0.2.7:5060", "PBX 1")


class Scene:
    """A watch that runs, on a list that the test writes."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.contacts = [ACME]
        self.failures: list[Exception] = []
        self.lists = 0
        self.told: list[RegistrationChange] = []
        self.watch = RegistrationWatch(self._listed, self.store, lambda: NOW, self._tell)
        self._news = asyncio.Event()

    async def until(self, met: Callable[[], object]) -> None:
        async with asyncio.timeout(5):
            while not met():
                self._news.clear()
                await self._news.wait()

    async def _listed(self) -> list[Contact]:
        self.lists += 1
        self._news.set()
        if self.failures:
            raise self.failures.pop(0)
        return self.contacts

    def _tell(self, changes: Iterable[RegistrationChange]) -> None:
        self.told += changes
        self._news.set()


def play(use: Callable[[Scene], Awaitable[None]]) -> Scene:
    async def run() -> Scene:
        scene = Scene()
        running = asyncio.create_task(scene.watch.run())
        await use(scene)
        running.cancel()
        return scene

    return asyncio.run(run())


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch):
    monkeypatch.setattr(module, "GATHER_SECONDS", 0.01)
    monkeypatch.setattr(module, "SOONEST_LIST_SECONDS", 0.01)


def test_a_flood_is_one_list(monkeypatch):
    monkeypatch.setattr(module, "SOONEST_LIST_SECONDS", 3600.0)

    async def use(scene: Scene) -> None:
        for _ in range(10_000):
            scene.watch.ask()
        await scene.until(lambda: scene.told)
        for _ in range(10_000):
            scene.watch.ask()

    scene = play(use)
    assert scene.lists == 1
    assert scene.told == [
        RegistrationChange(
            "acme", registered=True, at=NOW, contact="192.0.2.7:5060", user_agent="PBX 1"
        )
    ]


def test_lists_take_a_small_part_of_the_time(monkeypatch):
    pauses: list[float] = []
    sleep = asyncio.sleep

    async def noted(seconds: float) -> None:
        pauses.append(seconds)
        await sleep(0)

    async def slow(scene: Scene) -> list[Contact]:
        await sleep(0.1)
        return await scene._listed()

    async def use(scene: Scene) -> None:
        scene.watch._listed = lambda: slow(scene)
        monkeypatch.setattr(asyncio, "sleep", noted)
        scene.watch.ask()
        await scene.until(lambda: scene.told)
        await sleep(0)

    play(use)
    gather, pause = pauses
    assert gather == module.GATHER_SECONDS
    assert pause >= 0.1 / module.MOST_OF_THE_TIME


def test_what_is_asked_meanwhile_is_read_afterwards():
    async def use(scene: Scene) -> None:
        scene.watch.ask()
        await scene.until(lambda: scene.lists == 1)
        scene.watch.ask()
        await scene.until(lambda: scene.lists == 2)

    play(use)


def test_a_list_that_failed_is_read_again_and_told_of_once(caplog):
    async def use(scene: Scene) -> None:
        scene.failures = [AmiRefused("no right"), AmiRefused("no right")]
        scene.watch.ask()
        await scene.until(lambda: scene.told)

    assert play(use).lists == 3
    assert caplog.text.count("no right") == 1


def test_a_database_that_is_away_is_waited_for():
    async def use(scene: Scene) -> None:
        scene.store.away = 2
        scene.watch.ask()
        await scene.until(lambda: scene.told)

    play(use)


def test_a_defect_ends_nothing(caplog):
    async def use(scene: Scene) -> None:
        scene.failures = [ValueError("a defect")]
        scene.watch.ask()
        await scene.until(lambda: scene.lists == 1)
        scene.watch.ask()
        await scene.until(lambda: scene.told)

    play(use)
    assert "a defect" in caplog.text
