"""One trunk floods, another calls as every day: how long does the other wait for its answers?

python -m tests.bench.flood: each rate of the flood beside none at all, in the same run; first with
nothing between, then behind the rules of `siptrunk security firewall`. Each PBX is in a network of
its own. What the other trunk asks is refused, so that no carrier's time is in it.
"""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.lab.network import Island, PacketFilter, lay_link, own_network
from tests.lab.provider import Provider
from tests.lab.sipp import RESPONSE_TIMES, Call, SippCaller

RATES = (0, 100, 250, 500, 1000)
RATES_BEHIND_RULES = (0, 250, 1000, 5000)
SECONDS, OTHERS_A_SECOND = 8, 10
US, FLOOD_HOST = "10.77.1.1", "10.77.1.2"
US_TO_OTHERS, OTHER_HOST = "10.77.2.1", "10.77.2.2"
FLOOD, OTHER, BLOCKED = "+33123456701", "+33123456702", "0899123456"
# As on a server that has its machine to itself: the lab's own range is for many side by side.
_RTP = "[general]\nrtpstart=20000\nrtpend=31999\n"


@dataclass(frozen=True)
class Bench:
    """A provider, and the networks of two PBXs."""

    provider: Provider
    flooding: Island
    others: Island


def main() -> None:
    """Print a line for each rate."""
    with tempfile.TemporaryDirectory() as folder, own_network(), ExitStack() as stack:
        flooding, others = Island(Path(folder)), Island(Path(folder))
        for number, island in enumerate((flooding, others), start=1):
            stack.enter_context(island)
            lay_link(number, island)
        provider = Provider(dedicated=True)
        provider.asterisk.listen_everywhere()
        stack.enter_context(provider)
        _describe(provider)
        provider.serve()
        bench = Bench(provider, flooding, others)
        for rate in RATES:
            print(_line(bench, rate), flush=True)
        filter_ = PacketFilter()
        filter_.load(_rules(provider))
        for rate in RATES_BEHIND_RULES:
            before = filter_.dropped("calls")
            line = _line(bench, rate)
            print(f"behind rules, {line}, {filter_.dropped('calls') - before} dropped", flush=True)


def _describe(provider: Provider) -> None:
    provider.asterisk.write("rtp.conf", _RTP)
    provider.asterisk.cli("module reload res_rtp_asterisk")
    provider.do("customer", "add", "bench")
    for name, number, host in (("flood", FLOOD, FLOOD_HOST), ("other", OTHER, OTHER_HOST)):
        provider.do(
            *("trunk", "add", name, "--customer", "bench", "--number", number, "--channels", "5"),
            *("--kind", "address", "--address", host, "--contact", host),
        )
    provider.do("config", "apply", "--yes")


def _rules(provider: Provider) -> str:
    port = str(provider.asterisk.sip_port)
    return provider.run("security", "firewall", "--port", port).stdout


def _line(bench: Bench, rate: int) -> str:
    port = bench.provider.asterisk.sip_port
    flood = [Call(FLOOD, BLOCKED)] * max(rate * SECONDS, 1)
    others = [Call(OTHER, BLOCKED)] * (OTHERS_A_SECOND * (SECONDS - 2))
    with SippCaller(
        f"{US}:{port}",
        flood,
        host=FLOOD_HOST,
        rate=max(rate, 1),
        trace=False,
        arguments=("-nr",),  # a flood repeats nothing: its rate is what is said
        island=bench.flooding,
    ):
        time.sleep(1)  # the flood is under way
        with SippCaller(
            f"{US_TO_OTHERS}:{port}",
            others,
            host=OTHER_HOST,
            rate=OTHERS_A_SECOND,
            trace=False,
            arguments=RESPONSE_TIMES,
            island=bench.others,
        ) as other:
            other.wait(60 + SECONDS)
            times = other.response_times()
    bench.provider.until(
        lambda: not bench.provider.asterisk.live_channels(), 60, "what the flood left to end"
    )
    p50, p99 = times[len(times) // 2], times[int(len(times) * 0.99)]
    return (
        f"flood {rate:5}/s: {len(times)} of {len(others)} answered, "
        f"p50 {p50:.1f} ms, p99 {p99:.1f} ms"
    )


if __name__ == "__main__":
    main()
