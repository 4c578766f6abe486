"""The two Asterisks that are compared, and how their work is measured.

The baselines run on a plain Asterisk that nobody listens to; the project on one of its own, with
everything on: FastAGI admission, a durable row for each call, the AMI listener, the journal. Both
have the same base configuration and write a CDR line for each call. PBXs are told by their
address everywhere, so no variant pays for a digest that another does not.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from tests.lab.asterisk import AsteriskServer
from tests.lab.sipp import RESPONSE_TIMES, Call, SippCaller, SippError, place_calls

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.lab.provider import Provider

CARRIER_HOST = "127.0.0.2"
DIAL_HOST, GROUP_HOST, REFUSE_HOST, FULL_HOST = (f"127.0.0.{last}" for last in (11, 12, 13, 14))
PBX_HOST = "127.0.0.15"
NUMBER, MOBILE, PREMIUM = "+33123456789", "0612345678", "0899123456"

_PLAIN_ENDPOINT = """
[{name}]
type=endpoint
context={name}
disallow=all
allow=alaw,ulaw
direct_media=no
aors={name}
[{name}]
type=aor
contact=sip:{contact}
[{name}]
type=identify
endpoint={name}
match={host}
"""
_PLAIN_DIALPLAN = """
[dial]
exten => _X!,1,Dial(PJSIP/+33612345678@carrier,120)
 same => n,Hangup(${HANGUPCAUSE})
[group]
exten => _X!,1,Set(GROUP(bench)=acme)
 same => n,GotoIf($[${GROUP_COUNT(acme@bench)} > 10000]?full)
 same => n,Dial(PJSIP/+33612345678@carrier,120)
 same => n,Hangup(${HANGUPCAUSE})
 same => n(full),Hangup(34)
[refuse]
exten => _X!,1,Hangup(34)
[full]
exten => _X!,1,Set(GROUP(bench)=acme)
 same => n,GotoIf($[${GROUP_COUNT(acme@bench)} > 0]?full)
 same => n,Hangup(16)
 same => n(full),Hangup(34)
[carrier]
exten => _X!,1,Hangup(1)
"""


def plain_server(carrier: str) -> AsteriskServer:
    """An Asterisk with the baselines' dialplans, not started yet."""
    server = AsteriskServer(systemname="plain")
    hosts = {
        "dial": DIAL_HOST,
        "group": GROUP_HOST,
        "refuse": REFUSE_HOST,
        "full": FULL_HOST,
        "carrier": CARRIER_HOST,
    }
    endpoints = "".join(
        _PLAIN_ENDPOINT.format(name=name, host=host, contact=carrier)
        for name, host in hosts.items()
    )
    for name, text in (("pjsip.conf", endpoints), ("extensions.conf", _PLAIN_DIALPLAN)):
        server.write(name, (server.etc / name).read_text() + text)
    return server


def describe(provider: Provider, carrier: str) -> None:
    """A trunk with room, for calls that pass and calls that are blocked."""
    provider.do("customer", "add", "bench")
    provider.do(
        *("trunk", "add", "bench", "--customer", "bench", "--channels", "1000"),
        *("--kind", "address", "--address", PBX_HOST, "--contact", f"{PBX_HOST}:5060"),
        *("--number", NUMBER),
    )
    provider.do(
        *("carrier", "add", "telco", "--profile", "generic", "--server", carrier),
        *("--qualify", "0"),
    )
    provider.do("config", "apply", "--yes")
    provider.serve()


@dataclass(frozen=True)
class Variant:
    """One way for a call.

    Attributes:
        target: where SIPp sends its INVITE; host: from which address.
        asterisk, ours: processor seconds used so far by Asterisk, and by us.
    """

    name: str
    target: str
    host: str
    callee: str
    asterisk: Callable[[], float]
    ours: Callable[[], float]
    rate: int
    status: int


@dataclass(frozen=True)
class Cost:
    """Processor time of one call, in milliseconds."""

    asterisk: float
    ours: float

    @property
    def total(self) -> float:
        """Of all processes that had a part in it."""
        return self.asterisk + self.ours


def measure(variant: Variant, seconds: float, hold_ms: int) -> Cost:
    """Place calls at the variant's rate for so long; what each cost on average.

    Raises:
        SippError: the calls did not end as calls do.
    """
    count = int(variant.rate * seconds)
    calls: Sequence[Call] = [Call(NUMBER, variant.callee)] * count
    before = variant.asterisk(), variant.ours()
    with SippCaller(
        variant.target, calls, host=variant.host, rate=variant.rate, hold_ms=hold_ms, trace=False
    ) as caller:
        result = caller.wait(seconds + 60)
    if result.exit_status:
        raise SippError(f"{variant.name}: {result.complaint}")
    used = variant.asterisk() - before[0], variant.ours() - before[1]
    return Cost(used[0] / count * 1000, used[1] / count * 1000)


def check(variant: Variant) -> None:
    """See one call of the variant end as it is meant to.

    Raises:
        SippError: it ended otherwise, so its cost would be another call's.
    """
    call = [Call(NUMBER, variant.callee)]
    statuses = place_calls(variant.target, call, host=variant.host, hold_ms=100).statuses
    if statuses != [variant.status]:
        raise SippError(f"{variant.name}: SIP {statuses}, not {variant.status}")


@dataclass(frozen=True)
class Held:
    """How a rate of calls was answered: final answers, in milliseconds after the INVITE."""

    asked: int
    answered: int
    seconds: float
    p50: float
    p99: float


def hold_rate(variant: Variant, rate: int, seconds: float) -> Held:
    """Place calls at a rate and take the time of each final answer, as SIPp saw it."""
    count = int(rate * seconds)
    calls = [Call(NUMBER, variant.callee)] * count
    began = monotonic()
    with SippCaller(
        variant.target, calls, host=variant.host, rate=rate, trace=False, arguments=RESPONSE_TIMES
    ) as caller:
        caller.wait(seconds + 60)
        took = monotonic() - began
        times = caller.response_times()
    p50, p99 = times[len(times) // 2], times[int(len(times) * 0.99)]
    return Held(count, len(times), took, p50, p99)


def with_children(pid: int) -> float:
    """Processor seconds of a process's ended children, which Asterisk's AGI processes are."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")
