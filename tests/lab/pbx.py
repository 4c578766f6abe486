"""A customer's PBX: a second real Asterisk, its trunk set up by nothing but what we print."""

import re

from tests.lab.asterisk import AsteriskServer
from tests.lab.processes import Running, free_ports
from tests.lab.provider import Provider
from tests.lab.sipp import SippAnswerer, SippCall, group_calls

PLACEHOLDER = "<the secret you were given>"

# What it has before it has a trunk: its own transport, and a phone.
_OWN_PJSIP = """\
[global]
type=global
debug=yes
[lan]
type=transport
protocol=udp
bind=127.0.0.1:{port}
[phone]
type=endpoint
context=phones
disallow=all
allow=alaw
aors=phone
[phone]
type=aor
contact=sip:phone@{phone}
[phone]
type=identify
endpoint=phone
match={phone_host}

"""


class CustomerPbx(Running):
    """A PBX behind the trunk `name`, as a context manager; `phone` calls out from its address.

    Who calls one of the trunk's numbers hears himself: that way the voice is proven both ways.
    """

    def __init__(self, provider: Provider, name: str, secret: str, phone: SippAnswerer) -> None:
        printed = provider.do("trunk", "pbx-settings", name, "--pbx", "asterisk")
        pjsip, _, dialplan = printed.partition("; In extensions.conf.")
        self.name = name
        self.server = AsteriskServer(systemname=f"pbx-{name}")
        own = _OWN_PJSIP.format(
            port=self.server.sip_port, phone=phone.address, phone_host=phone.host
        )
        self.server.write("pjsip.conf", own + _filled(pjsip, secret))
        self.server.write("extensions.conf", "[phones]\n" + _uncommented(dialplan))

    @property
    def registered(self) -> bool:
        """Whether it says itself that its registration was taken."""
        return bool(re.search(r" Registered ", self.server.cli("pjsip show registrations")))

    def calls(self) -> list[SippCall]:
        """Its calls on both sides, in order: the phone's, and the trunk's."""
        dialogs = group_calls(self.server.sip_messages())
        return [one for one in dialogs if one.messages[0].method == "INVITE"]

    def begin(self) -> None:
        """Start it."""
        self.server.start()

    def close(self) -> None:
        """End it."""
        self.server.close()


def _filled(pjsip: str, secret: str) -> str:
    """The settings with what a customer puts in by hand, and a port that is free here."""
    (port,) = free_ports(1, "tcp")
    for printed, here in (
        (PLACEHOLDER, secret),
        ("0.0.0.0:5061", f"127.0.0.1:{port}"),
        # Else it would wait for up to ten seconds, at random.
        ("type = registration\n", "type = registration\nmax_random_initial_delay = 0\n"),
    ):
        pjsip = pjsip.replace(printed, here)
    return pjsip


def _uncommented(dialplan: str) -> str:
    """The dialplan lines that stand in comments, with an extension that echoes for the phone."""
    lines = dialplan.splitlines()[1:]  # the first is a sentence
    text = "".join(f"{line.removeprefix(';').strip()}\n" for line in lines)
    return text.replace("Dial(PJSIP/your-phone)", "Answer()\nsame => n,Echo()")
