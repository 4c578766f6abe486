"""What Prometheus reads while real calls are made."""

from collections.abc import Iterator
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.asterisk.conftest import Acme
from tests.lab.processes import free_ports

pytestmark = pytest.mark.asterisk

PORT = "SIPTRUNK_METRICS_PORT"


@pytest.fixture
def measured(acme: Acme) -> Iterator[Acme]:
    """The same provider, its service begun anew with a port for metrics."""
    acme.provider.stop_serving()
    acme.provider.environment[PORT] = str(*free_ports(1, "tcp"))
    acme.provider.serve()
    yield acme
    del acme.provider.environment[PORT]
    acme.provider.stop_serving()
    acme.provider.serve()


def samples(acme: Acme) -> dict[tuple[str, ...], float]:
    address = f"http://127.0.0.1:{acme.provider.environment[PORT]}/metrics"
    with urlopen(address, timeout=10) as answer:
        families = text_string_to_metric_families(answer.read().decode())
    return {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}


def test_calls_are_seen_while_they_last_and_when_they_end(measured: Acme):
    in_use = "siptrunk_channels_in_use", "acme"
    with measured.carrier(), measured.registered():
        with measured.calling([measured.call_of("0612345678")], hold_ms=7000) as lasting:
            measured.provider.until(lambda: samples(measured).get(in_use) == 1, 15)
            assert samples(measured)["siptrunk_channels_limit", "acme"] == 10
            assert samples(measured)["siptrunk_ami_link", "up"] == 1
            assert lasting.wait().statuses == [200]
        measured.provider.until(lambda: samples(measured).get(in_use) == 0, 15)
        measured.provider.until(lambda: samples(measured)["siptrunk_registrations",] == 1, 15)
    found = samples(measured)
    assert found["siptrunk_calls_ended_total", "ami"] == 1
    assert found["siptrunk_calls_ended_total", "journal"] == 0
    assert found["siptrunk_journal_unread_bytes",] == 0
    assert found["siptrunk_changes_waiting",] == 0
