"""What the tests of `siptrunk doctor` share."""

import socketserver
import sqlite3
import threading
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from importlib.metadata import version

from asterisk_siptrunk.bootstrap import open_engine, servers, transaction
from asterisk_siptrunk.call.server import Vitals


@contextmanager
def answering(answer=b'SET VARIABLE "ARRAY(SIPTRUNK_NEXT)" "away"\n'):
    """A service that gives this answer to whoever asks; its port."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.recv(4096)
            if answer:
                self.request.sendall(answer)
                self.request.recv(4096)

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def give_sign(file, name="asterisk", ago=0.0, share=100, **told):
    """A sign of life of a server's service, as the daemon gives it."""
    now = datetime.now(UTC)
    vitals = Vitals(
        program=version("asterisk-siptrunk"),
        started_at=now,
        share=share,
        link=told.pop("link", "up"),
        link_since=now,
        **told,
    )
    engine = open_engine(f"sqlite:///{file}")
    with transaction(engine) as connection:
        servers.beat(connection, name, vitals, (), now - timedelta(seconds=ago))
    engine.dispose()


def at_step(file, step):
    """Have a database say that its schema is at another step."""
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = ?", (step,))


def ill(run, *, fails=0):
    """What is not ok, by check."""
    rows = run("doctor", "--format", "json", fails=fails).data
    return {row["check"]: (row["state"], row["found"]) for row in rows if row["state"] != "ok"}
