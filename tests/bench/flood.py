"""One trunk floods, another calls as every day: how long does the other wait for its answers?

python -m tests.bench.flood: each rate of the flood beside none at all, in the same run. What the
other trunk asks is refused, so that no carrier's time is in it.
"""

from __future__ import annotations

import time

from tests.lab.provider import Provider
from tests.lab.sipp import RESPONSE_TIMES, Call, SippCaller

RATES = (0, 100, 250, 500, 1000)
SECONDS, OTHERS_A_SECOND = 8, 10
FLOOD_HOST, OTHER_HOST = "127.0.0.18", "127.0.0.19"
FLOOD, OTHER, BLOCKED = "+33123456701", "+33123456702", "0899123456"
# As on a server that has its machine to itself: the lab's own range is for many side by side.
_RTP = "[general]\nrtpstart=20000\nrtpend=31999\n"


def main() -> None:
    """Print a line for each rate."""
    with Provider(dedicated=True) as provider:
        _describe(provider)
        provider.serve()
        for rate in RATES:
            print(_line(provider, rate), flush=True)
            time.sleep(2)  # what the flood left behind is answered


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


def _line(provider: Provider, rate: int) -> str:
    target = provider.asterisk.sip_address
    flood = [Call(FLOOD, BLOCKED)] * max(rate * SECONDS, 1)
    others = [Call(OTHER, BLOCKED)] * (OTHERS_A_SECOND * (SECONDS - 2))
    with SippCaller(target, flood, host=FLOOD_HOST, rate=max(rate, 1), trace=False) as attacker:
        time.sleep(1)  # the flood is under way
        with SippCaller(
            target,
            others,
            host=OTHER_HOST,
            rate=OTHERS_A_SECOND,
            trace=False,
            arguments=RESPONSE_TIMES,
        ) as other:
            other.wait(60 + SECONDS)
            times = other.response_times()
        attacker.wait(60 + SECONDS)
    p50, p99 = times[len(times) // 2], times[int(len(times) * 0.99)]
    return (
        f"flood {rate:5}/s: {len(times)} of {len(others)} answered, "
        f"p50 {p50:.1f} ms, p99 {p99:.1f} ms"
    )


if __name__ == "__main__":
    main()
