"""Short work in the event loop: done there at once, or whole by the thread."""

import asyncio
import shutil
import threading
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import select

from asterisk_siptrunk.database.engine import open_engine, transaction
from asterisk_siptrunk.database.loop import LoopDatabase
from asterisk_siptrunk.database.tables import customer
from asterisk_siptrunk.database.thread import DatabaseThread
from asterisk_siptrunk.errors import DatabaseUnavailable
from tests.unit.database.test_thread import adding, names


def thread_name(connection):
    connection.execute(select(customer.c.name)).all()
    return threading.current_thread().name


@asynccontextmanager
async def running(url):
    """A loop's database and its thread, both ended with the block."""
    engine = open_engine(url)
    thread = DatabaseThread(engine, asyncio.get_running_loop())
    thread.start()
    short = LoopDatabase(engine, thread)
    yield short
    short.close()
    await asyncio.to_thread(thread.stop)
    engine.dispose()


def doing(url, *works, between=None):
    """Have works done one after another, `between` called after each; what each told."""

    async def run():
        told: list[object] = []
        async with running(url) as short:
            for work in works:
                told += await asyncio.gather(short.submit(work), return_exceptions=True)
                if between:
                    between()
        return told

    return asyncio.run(run())


def test_short_work_is_done_where_it_is_asked_for(sqlite_url):
    assert doing(sqlite_url, thread_name, thread_name) == ["MainThread"] * 2


def test_its_answer_is_there_at_once(sqlite_url):
    async def run():
        async with running(sqlite_url) as short:
            return short.submit(names).done()

    assert asyncio.run(run())


def test_what_is_done_stays_done(sqlite_url):
    assert doing(sqlite_url, adding("one"), adding("two"), names)[2] == ["one", "two"]


def test_a_locked_file_is_waited_for_by_the_thread_while_the_loop_goes_on(sqlite_url):
    async def run():
        holder = open_engine(sqlite_url)
        async with running(sqlite_url) as short:
            with transaction(holder):
                waiting = short.submit(thread_name)
                await asyncio.sleep(0)  # the loop tries, fails, and is here with the lock held
                await asyncio.sleep(0)
                assert not waiting.done()
            told = await waiting, await short.submit(thread_name)
        holder.dispose()
        return told

    assert asyncio.run(run()) == ("database", "MainThread")


def test_work_that_fails_leaves_nothing_and_is_told(sqlite_url):
    first, failed, there = doing(sqlite_url, adding("one"), adding("two", fails=True), names)
    assert first == "one"
    assert isinstance(failed, ValueError)
    assert there == ["one"]


def test_a_database_that_is_away_is_told(tmp_path):
    (told,) = doing(f"sqlite:///{tmp_path}/nowhere/at/all.db", names)
    assert isinstance(told, DatabaseUnavailable)


def test_a_file_that_comes_back_is_used_again(sqlite_url, tmp_path):
    file, kept = tmp_path / "siptrunk.db", tmp_path / "kept.db"
    file.rename(kept)
    away, back = doing(sqlite_url, names, thread_name, between=lambda: _put_back(kept, file))
    assert isinstance(away, DatabaseUnavailable)
    assert back == "MainThread"


def _put_back(kept, file):
    if kept.exists():
        assert not file.exists()  # nobody made an empty one instead
        kept.replace(file)


def test_a_file_that_was_replaced_by_another_is_used_from_then_on(sqlite_url, tmp_path):
    file = tmp_path / "siptrunk.db"
    backup = backup_of(file, adding("kept"))

    def replace():
        if backup.exists():
            for log in logs_of(file):
                log.unlink()
            backup.replace(file)

    one, there = doing(sqlite_url, adding("one"), names, between=replace)
    assert one == "one"
    assert there == ["kept"]


def test_a_file_that_was_put_beside_the_old_ones_log_is_not_touched(sqlite_url, tmp_path):
    """SQLite would write the log of the old file into the new one, and damage it."""
    file = tmp_path / "siptrunk.db"
    backup = backup_of(file, adding("kept"))
    was = backup.read_bytes()
    one, refused = doing(
        sqlite_url, adding("one"), names, between=lambda: backup.exists() and backup.replace(file)
    )
    assert one == "one"
    assert isinstance(refused, DatabaseUnavailable)
    assert "remove siptrunk.db-wal" in str(refused)
    assert file.read_bytes() == was


def backup_of(file, work):
    """A copy, with something done in it."""
    backup = Path(f"{file}.backup")
    shutil.copy(file, backup)
    doing(f"sqlite:///{backup}", work)
    return backup


def logs_of(file):
    return [Path(f"{file}-wal"), Path(f"{file}-shm")]


def test_what_the_thread_has_taken_is_not_overtaken(sqlite_url):
    async def run():
        holder = open_engine(sqlite_url)
        async with running(sqlite_url) as short:
            with transaction(holder):
                first = short.submit(adding("first"))
            second = short.submit(names)  # the lock has gone, and the thread may not know yet
            told = await second
            await first
            after = await short.submit(thread_name)
        holder.dispose()
        return told, after

    assert asyncio.run(run()) == (["first"], "MainThread")


def test_other_work_of_the_thread_holds_nobody_up(sqlite_url):
    """As when it copies the log back into a file on a slow disk."""

    async def run():
        async with running(sqlite_url) as short:
            locks_nothing, stuck = threading.Event(), threading.Event()

            def copying(connection):
                connection.rollback()
                locks_nothing.set()
                return stuck.wait(5)

            slow = short._thread.submit(copying)
            locks_nothing.wait(5)
            told = short.submit(thread_name)
            at_once = told.done()
            stuck.set()
            return at_once, await told, await slow

    assert asyncio.run(run()) == (True, "MainThread", True)


def test_a_file_that_was_lost_is_told(sqlite_url, tmp_path):
    one, lost = doing(sqlite_url, names, names, between=lambda: _lose(tmp_path))
    assert one == []
    assert isinstance(lost, DatabaseUnavailable)


def _lose(folder):
    (folder / "siptrunk.db").unlink(missing_ok=True)
