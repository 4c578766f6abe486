"""What Prometheus reads of a running service; the dashboard and the alerts ask for nothing else."""

import json
import re
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

import asterisk_siptrunk
from asterisk_siptrunk import metrics
from asterisk_siptrunk.database.engine import open_engine
from asterisk_siptrunk.settings import MetricsSettings
from tests.lab.processes import free_ports
from tests.lab.service import Service
from tests.unit.database.builders import carrier, provide

MONITORING = Path(asterisk_siptrunk.__file__).parent / "monitoring"
SECONDS = 10.0


class Measured(Service):
    """A service with a port for metrics."""

    def __init__(self, folder: Path, url: str) -> None:
        (self.metrics_port,) = free_ports(1, "tcp")
        settings = f"[metrics]\nport = {self.metrics_port}\n"
        super().__init__(folder, url, settings=settings)

    def scrape(self, path: str = "/metrics"):
        with urlopen(f"http://127.0.0.1:{self.metrics_port}{path}", timeout=SECONDS) as answer:
            assert answer.headers["Content-Type"].startswith("text/plain")
            return answer.read().decode()

    def samples(self) -> dict[tuple[str, ...], float]:
        """Every sample by its name and the values of its labels."""
        families = text_string_to_metric_families(self.scrape())
        return {
            (sample.name, *(sample.labels[key] for key in sorted(sample.labels))): sample.value
            for family in families
            for sample in family.samples
        }


@pytest.fixture(scope="module")
def service(fresh_sqlite, tmp_path_factory) -> Iterator[Measured]:
    """One for all tests, with a trunk of two channels and two carriers."""
    folder = tmp_path_factory.mktemp("measured")
    shutil.copy(fresh_sqlite, folder / "siptrunk.db")
    engine = open_engine(f"sqlite:///{folder}/siptrunk.db")
    provide(engine, carrier("one"), carrier("two"), name="acme", channels=2)
    engine.dispose()
    with Measured(folder, f"sqlite:///{folder}/siptrunk.db") as measured:
        yield measured


def test_what_calls_were_told_is_counted_and_timed(service):
    service.ask("lab-1.1")
    service.ask("lab-1.1", script="reroute")
    service.ask("lab-1.2")
    service.ask("lab-1.3")
    service.ask("lab-1.4", agi_arg_1="0899123456")
    service.ask("lab-1.5", agi_arg_4="1")  # too late: the dialplan no longer waits
    found = service.samples()
    verdict = "siptrunk_verdicts_total", "outbound"
    assert found[*verdict, "admitted", "admitted"] == 2
    assert found[*verdict, "channels-full", "refused"] == 1
    assert found[*verdict, "destination-blocked", "refused"] == 1
    assert found["siptrunk_no_verdicts_total", "outbound"] == 1
    assert found["siptrunk_reroutes_total", "next"] == 1
    assert found["siptrunk_decision_seconds_count",] == 6
    assert 0 < found["siptrunk_decision_seconds_sum",] < 6
    assert found["siptrunk_decision_seconds_bucket", "+Inf"] == 6
    assert found["siptrunk_channels_limit", "acme"] == 2
    assert found["siptrunk_channels_in_use", "acme"] == 2
    assert found["siptrunk_ami_link", "up"] == 0
    assert found["siptrunk_ami_link", "unreachable"] == 1
    assert found["siptrunk_database_up",] == 1
    assert found["siptrunk_registrations",] == 0


@pytest.mark.parametrize("direction", ["outbound", "inbound"])
@pytest.mark.parametrize(
    ("reason", "verdict"), [("suspended", "refused"), ("emergency", "admitted")]
)
def test_what_nobody_was_told_yet_is_there_at_zero(service, direction, reason, verdict):
    assert service.samples()["siptrunk_verdicts_total", direction, reason, verdict] == 0


def test_a_database_that_goes_away_is_seen_and_metrics_go_on(service):
    before = service.samples()
    place, elsewhere = service.folder / "siptrunk.db", service.folder / "elsewhere.db"
    place.rename(elsewhere)
    service.until(lambda: service.samples()["siptrunk_database_up",] == 0)
    assert service.samples()["siptrunk_database_outages_total",] == 1
    known = "siptrunk_channels_in_use", "acme"
    service.until(lambda: known not in service.samples(), what="what is known to be old")
    elsewhere.rename(place)
    service.until(lambda: service.samples()["siptrunk_database_up",] == 1)
    service.until(lambda: known in service.samples(), what="trunks to be known again")
    stored = "siptrunk_database_last_success_timestamp_seconds"
    assert service.samples()[stored,] > before[stored,]


def test_a_peer_that_says_nothing_keeps_no_call_waiting(service):
    with closing(socket.create_connection(("127.0.0.1", service.metrics_port))):
        assert "SIPTRUNK_NEXT" in service.ask("lab-2.1")
    with pytest.raises(HTTPError) as refused:
        service.scrape("/")
    with refused.value as answer:
        assert answer.code == 404


def test_a_peer_that_says_a_letter_at_a_time_keeps_the_next_one_waiting_for_its_time_only(
    monkeypatch,
):
    monkeypatch.setattr(metrics, "REQUEST_SECONDS", 0.5)
    server = metrics._Server(MetricsSettings(), lambda: [b"siptrunk 1\n"])
    answering = threading.Thread(target=server.serve_forever)
    answering.start()
    url = f"http://127.0.0.1:{server.server_port}/metrics"
    try:
        with closing(socket.create_connection(("127.0.0.1", server.server_port))) as slow:
            stop, talking = threading.Event(), threading.Thread(target=lambda: trickle(slow, stop))
            talking.start()
            try:
                with urlopen(url, timeout=SECONDS / 2) as answer:
                    assert answer.read() == b"siptrunk 1\n"
            finally:
                stop.set()
                talking.join()
    finally:
        server.shutdown()
        server.server_close()
        answering.join()


def trickle(peer: socket.socket, stop: threading.Event) -> None:
    with suppress(OSError):
        while not stop.wait(0.1):
            peer.sendall(b"G")


def test_a_port_that_is_taken_is_told_before_calls_are_taken(service):
    second = service.run("serve")
    assert second.returncode == 1
    assert f"Cannot listen for metrics on 127.0.0.1:{service.metrics_port}" in second.stderr


def test_all_that_the_dashboard_and_the_alerts_name_is_exported(service):
    service.ask("lab-3.1")
    exported = {name for name, *_ in service.samples()}
    dashboard = json.loads((MONITORING / "grafana.json").read_text())
    asked = [one["expr"] for panel in dashboard["panels"] for one in panel["targets"]]
    asked += [one["expr"] for one in dashboard["annotations"]["list"]]
    asked += [one["definition"] for one in dashboard["templating"]["list"] if "definition" in one]
    asked.append((MONITORING / "alerts.yaml").read_text().replace("siptrunk_trunk", ""))
    named = set(re.findall(r"\b(?:siptrunk|process)_[a-z_]+[a-z]\b", "\n".join(asked)))
    assert len(named) > 15
    assert named - exported == set()
    # And the other way: what is exported and looked at by nobody is a burden.
    unread = {name for name in exported if name.startswith("siptrunk_")} - named
    assert unread <= {"siptrunk_ami_link_since_timestamp_seconds"}


def test_no_metric_tells_a_number_or_has_more_series_than_two_a_trunk(service):
    for index in range(3):
        service.ask(f"lab-4.{index}", agi_arg_1=f"061234567{index}")
    before = len(service.samples())
    done = service.run("trunk", "add", "office", "--customer", "acme", "--channels", "1")
    assert done.returncode == 0, done.stderr
    service.until(lambda: ("siptrunk_channels_limit", "office") in service.samples())
    assert len(service.samples()) == before + 2
    assert not re.search(r"061234567|33612345|123456789", service.scrape())
