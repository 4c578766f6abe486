"""`make demo`: the main job on a real Asterisk, with real SIP calls, in a minute or two.

`make demo-web` goes on from there, with calls now and then, for as long as somebody looks at the
management interface; `make screenshots` takes pictures of its pages.
"""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections import Counter
from contextlib import ExitStack
from http import HTTPStatus
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from asterisk_siptrunk.account import Role
from asterisk_siptrunk.call import CallRecord, Direction, Verdict, Via
from tests.lab.processes import free_ports
from tests.lab.provider import Provider
from tests.lab.sandbox import LabUnavailableError
from tests.lab.sipp import Call, SippAnswerer, SippCaller, place_calls, registered_pbx

if TYPE_CHECKING:
    from collections.abc import Sequence

FOLDER = Path("build/demo")
TRUNK, MAIN, SECOND = "acme-paris", "+33123456789", "+33123456790"
CHANNELS = 3
CUSTOMER_LOGIN, PROVIDER_LOGIN = "alice@acme.example", "bob@provider.example"
PREMIUM = "lv:premium"
# As the one that ships, for all hours of the day.
RULES = """\
[[rules]]
name = "premium-at-once"
version = 1
measure = "simultaneous"
of = ["outbound", "risky"]
per = "zone"
critical = 3
on-critical = "block-zone"
end-calls = true
"""
# The carrier is told from the PBX by its address, as in real life.
CARRIER_HOST, PBX_HOST = "127.0.0.2", "127.0.0.3"
LONG_CALL_MS = 6_000
# While channels are ordered and paid, some commands long.
VERY_LONG_CALL_MS = 20_000

# A log file is as wide as it needs to be.
console = Console(highlight=False, width=None if sys.stdout.isatty() else 110)


class Demo:
    """A provider, its customer Acme, and what becomes of Acme's calls."""

    def __init__(self, provider: Provider, stack: ExitStack) -> None:
        self.provider = provider
        self.carrier = stack.enter_context(SippAnswerer(host=CARRIER_HOST))
        self.stack = stack
        self.username = self.secret = ""
        (self.web_port,) = free_ports(1, "tcp")
        self.passwords: dict[str, str] = {}

    def run(self) -> None:
        """Tell the story from nothing to the tables."""
        self.describe()
        self.configure()
        self.connect()
        self.place()
        self.report()
        self.subscribe()
        self.sell()
        self.watch()

    @property
    def address(self) -> str:
        """Where the management interface is served."""
        return f"http://127.0.0.1:{self.web_port}"

    # --- the admin's side ---

    def command(self, *arguments: str, quiet: bool = False) -> str:
        """Run a command of siptrunk, and show it as one would type it."""
        console.print(f"  [bold]$ siptrunk {shlex.join(arguments)}[/]", soft_wrap=True)
        output = self.provider.do(*arguments)
        if not quiet and output.strip():
            for line in output.rstrip().splitlines():
                console.print(f"  {line}", style="dim", markup=False)
        return output

    def describe(self) -> None:
        """Customer, trunk with its numbers, carrier."""
        console.rule("1. What the provider describes", align="left")
        self.command("customer", "add", "acme", "--title", "Acme SA", quiet=True)
        made = json.loads(
            self.command(
                *("trunk", "add", TRUNK, "--customer", "acme", "--channels", str(CHANNELS)),
                *("--number", MAIN, "--number", SECOND, "--format", "json"),
                quiet=True,
            )
        )
        self.username, self.secret = made["username"], made["secret"]
        console.print(f"  Its PBX gets user name {self.username} and a secret, shown this once.")
        self.command(
            *("carrier", "add", "telco", "--profile", "generic", "--server", self.carrier.address),
            *("--match", CARRIER_HOST, "--qualify", "0"),
            quiet=True,
        )

    def configure(self) -> None:
        """Asterisk's files, and the daemon."""
        console.rule("2. Asterisk's configuration, checked, applied and read back", align="left")
        rules = FOLDER.absolute() / "rules.toml"
        rules.write_text(RULES)
        with self.provider.settings_file.open("a") as settings:
            settings.write(f'\n[web]\nport = {self.web_port}\n\n[watch]\nrules = "{rules}"\n')
        self.command("config", "apply", "--yes")
        console.print("  [bold]$ siptrunk serve &[/]")
        self.provider.serve()

    # --- the customer's side ---

    def connect(self) -> None:
        """The PBX registers with its credentials."""
        console.rule("3. Acme's PBX (SIPp) registers, and calls", align="left")
        address = self.provider.asterisk.sip_address
        pbx = SippAnswerer(host=PBX_HOST)
        self.stack.enter_context(registered_pbx(address, self.username, self.secret, pbx))
        self.tell("REGISTER with the issued credentials", [HTTPStatus.OK])

    def place(self) -> None:
        """Each kind of call, one after the other."""
        self.tell("an ordinary call, 06 12 34 56 78", self.call("0612345678"))
        self.tell(f"an inbound call from the carrier to {MAIN}", self.inbound())
        self.tell("a call to a premium number, 0899 12 34 56", self.call("0899123456"))
        self.tell("a call under a caller number that is not Acme's", self.call(caller="0699999999"))
        seen = self.carrier.received()[-1].from_user
        console.print(f"     the carrier saw Acme's main number instead: {seen}")
        self.provider.until_idle()
        self.burst()
        self.provider.until_idle()
        self.away()

    def burst(self) -> None:
        """Ten calls at once over three channels, and an emergency on top."""
        calls = [self.a_call(f"06123456{index:02}") for index in range(10)]
        with self.calling(calls, hold_ms=LONG_CALL_MS) as ten:
            self.provider.until(lambda: len(self.provider.live()) == CHANNELS, what="a full trunk")
            self.tell("   meanwhile the trunk is full, and someone dials 112", self.call("112"))
            self.tell("ten calls at once over three channels", ten.wait().statuses)

    def away(self) -> None:
        """Calls while the admission service is stopped: the dialplan goes on alone."""
        console.print("  [bold]siptrunk serve is stopped[/]: the dialplan goes on by its own rules")
        self.provider.stop_serving()
        self.tell("   an ordinary call", self.call("0612345678"))
        self.tell(
            "   a call abroad, which the trunk's away policy keeps shut", self.call("0049301234567")
        )
        self.tell("   emergency, 15", self.call("15"))
        self.provider.serve()
        console.print(
            "  [bold]siptrunk serve is back[/], and reads those calls in Asterisk's journal"
        )
        self.provider.until(
            lambda: sum(call.via is Via.AWAY for call in self.provider.calls()) == 3,
            what="the journal to be read",
        )

    def a_call(self, callee: str, caller: str = MAIN) -> Call:
        """A call of Acme's PBX, with its credentials."""
        return Call(caller, callee, self.username, self.secret)

    def calling(self, calls: Sequence[Call], hold_ms: int) -> SippCaller:
        """SIPp as the PBX, in the background."""
        address = self.provider.asterisk.sip_address
        return SippCaller(address, calls, host=PBX_HOST, hold_ms=hold_ms)

    def call(self, callee: str = "0612345678", caller: str = MAIN) -> list[int]:
        """Place one call and wait for its end; its final SIP status."""
        with self.calling([self.a_call(callee, caller)], hold_ms=1000) as one:
            return one.wait().statuses

    def inbound(self) -> list[int]:
        """A call from the carrier to Acme's main number."""
        address = self.provider.asterisk.sip_address
        calls = [Call("+33611223344", MAIN)]
        return place_calls(address, calls, host=CARRIER_HOST, hold_ms=1000).statuses

    def tell(self, what: str, statuses: Sequence[int]) -> None:
        """One line a step: what was done, and the SIP answers that came."""
        counted = {status: statuses.count(status) for status in sorted(set(statuses))}
        said = ", ".join(
            f"{count} x {status}" if len(statuses) > 1 else str(int(status))
            for status, count in counted.items()
        )
        console.print(f"  {what:<58} → SIP {said}", soft_wrap=True)

    # --- what happened ---

    def report(self) -> None:
        """The usage database, in tables."""
        console.rule("4. What happened, read from the usage database", align="left")
        calls = self.provider.calls()
        console.print(_calls_table(calls))
        console.print(_reasons_table(calls))

    # --- what it is sold for ---

    def subscribe(self) -> None:
        """Prices, and the channels that Acme has, as a subscription."""
        console.rule("5. What it is sold for", align="left")
        for noun, words in (("rate", ("--deck", "world")), ("offer", ())):
            file = FOLDER / f"{noun}.example"
            file.write_text(self.provider.do(noun, "export", "--example"))
            self.command(noun, "load", str(file), *words, quiet=True)
        console.print(
            "  Prices: the example that ships, 4 EUR a channel, and a rate for each call."
        )
        self.order(CHANNELS, "bank-1")

    def sell(self) -> None:
        """A call that finds the trunk full passes once more channels are paid, at once."""
        calls = [self.a_call(f"06123456{index:02}") for index in range(CHANNELS)]
        with self.calling(calls, hold_ms=VERY_LONG_CALL_MS) as held:
            self.provider.until(lambda: len(self.provider.live()) == CHANNELS, what="a full trunk")
            self.tell(f"{CHANNELS} calls are up, and a fourth one comes", self.call())
            wanted = str(CHANNELS + 1)
            self.command("order", "quote", "--trunk", TRUNK, "--channels", wanted)
            self.order(CHANNELS + 1, "bank-2")
            self.tell("the same call again, and nothing was reloaded", self.call())
            held.close()
        number = self.provider.read("invoice", "list")[-1]["number"]
        self.command("invoice", "show", number)

    def watch(self) -> None:
        """Calls as of a PBX that was broken into; and who may look at all of this."""
        console.rule("6. What the watch stops, and the management interface", align="left")
        self.provider.asterisk.cli("channel request hangup all")
        self.provider.until_idle()
        self.command("destination", "allow", PREMIUM, "--trunk", TRUNK)
        calls = [self.a_call(f"0037190{index:06}") for index in range(CHANNELS)]
        with self.calling(calls, hold_ms=VERY_LONG_CALL_MS) as placed:
            self.tell(f"{CHANNELS} calls at once to premium numbers there", placed.wait().statuses)
        self.tell("one more, and that destination is stopped", self.call("0037190000009"))
        self.command("anomaly", "list", quiet=True)
        more = ("--customer", "acme")
        self.let_in(CUSTOMER_LOGIN, "Alice", Role.CUSTOMER_ADMIN, *more)
        self.let_in(PROVIDER_LOGIN, "Bob", Role.PROVIDER_ADMIN)

    def let_in(self, login: str, name: str, role: Role, *more: str) -> None:
        """Make an account; its password is shown at the end."""
        words = ("web", "add-user", login, "--name", name, "--role", role.value, *more)
        told = self.command(*words, "--generate", quiet=True)
        self.passwords[login] = re.search(r"password\s+(\S+)", told)[1]  # type: ignore[index]

    def go_on(self) -> None:
        """Place calls now and then until Ctrl-C, so that pages have something to follow."""
        while True:
            for count in (1, 2, CHANNELS, 1):
                calls = [self.a_call(f"06123456{index:02}") for index in range(count)]
                with self.calling(calls, hold_ms=LONG_CALL_MS) as placed:
                    placed.wait()

    def order(self, channels: int, payment: str) -> None:
        """Order channels, and pay them."""
        words = ("order", "place", "--trunk", TRUNK, "--channels", str(channels), "--yes")
        made = json.loads(self.command(*words, "--format", "json", quiet=True))
        self.command("order", "pay", made["reference"], "--payment", payment, quiet=True)


def _calls_table(calls: Sequence[CallRecord]) -> Table:
    table = Table(title=f"{len(calls)} calls, refused ones too", title_justify="left")
    table.add_column("call", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("why")
    table.add_column("billable", justify="right", no_wrap=True)
    for call in calls:
        style = "green" if call.verdict is Verdict.ADMITTED else "red"
        way = "in " if call.direction is Direction.INBOUND else "out"
        table.add_row(
            f"{way} {call.dialled}",
            f"[{style}]{call.reason}[/]",
            call.facts or call.reason.sentence,
            f"{call.billable.total_seconds():.1f} s",
        )
    return table


def _reasons_table(calls: Sequence[CallRecord]) -> Table:
    table = Table(title="Verdicts by reason", title_justify="left")
    table.add_column("reason")
    table.add_column("calls", justify="right")
    table.add_column("what it means")
    for reason, count in Counter(call.reason for call in calls).most_common():
        table.add_row(reason, str(count), reason.sentence)
    return table


def _farewell(seconds: float, demo: Demo) -> None:
    config = FOLDER / "siptrunk.toml"
    console.rule(f"Done in {seconds:.0f} s; nothing is left running", align="left")
    console.print(f"  {FOLDER}/siptrunk.db            the usage database")
    console.print(f"  {FOLDER}/asterisk/etc/siptrunk/ the configuration that Asterisk ran")
    console.print(f"  {FOLDER}/asterisk/log/          Asterisk's log and call journal")
    console.print("\nNext, look closer:")
    console.print(f"  .venv/bin/siptrunk --config {config} call list --verdict refused")
    console.print(
        f"  .venv/bin/siptrunk --config {config} destination check 0899123456 --trunk {TRUNK}"
    )
    console.print("or at the same in a browser ('make demo-web' keeps Asterisk and its calls up):")
    console.print(f"  .venv/bin/siptrunk --config {config} web serve")
    _show_door(demo)
    console.print("and put it on your own Asterisk: README.md, 'Ten minutes to your own trunk'.")


def _show_door(demo: Demo) -> None:
    console.print(f"  [bold]{demo.address}[/]")
    for login, password in demo.passwords.items():
        console.print(f"  {login:<22} password {password}", markup=False)


def _stay(demo: Demo) -> None:
    console.rule("The management interface, with calls now and then, until Ctrl-C", align="left")
    _show_door(demo)
    demo.go_on()


def _take_pictures(demo: Demo) -> None:
    # Late: nobody but the pictures needs a browser.
    from tests.browser.pictures import take  # noqa: PLC0415

    console.rule("Pictures of the pages", align="left")
    calls = [demo.a_call(f"06123456{index:02}") for index in range(2)]
    with demo.calling(calls, hold_ms=VERY_LONG_CALL_MS * 3):
        demo.provider.until(lambda: len(demo.provider.live()) == len(calls), what="two calls")
        for file in take(
            demo.address, demo.passwords[CUSTOMER_LOGIN], demo.passwords[PROVIDER_LOGIN]
        ):
            console.print(f"  {file}")


ENDS = {"": None, "web": _stay, "pictures": _take_pictures}
"""What follows the story, by the command's argument."""


def main(end: str = "") -> int:
    """Run the demo; the exit code for the shell."""
    begun = monotonic()
    try:
        console.rule("Starting a real Asterisk", align="left")
        with ExitStack() as stack:
            provider = stack.enter_context(Provider(keep_in=FOLDER.absolute()))
            demo = Demo(provider, stack)
            demo.run()
            if follows := ENDS[end]:
                follows(demo)
    except LabUnavailableError as error:
        console.print(str(error), style="red", markup=False)
        return 1
    except KeyboardInterrupt:
        console.print("Stopped; nothing is left running.")
        return 130
    _farewell(monotonic() - begun, demo)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
