"""Settings that a customer pastes into its own PBX."""

from enum import StrEnum

from asterisk_siptrunk.errors import TemplateFailed
from asterisk_siptrunk.generation.escape import UnsafeValue, Verbatim
from asterisk_siptrunk.generation.templates import Templates
from asterisk_siptrunk.generation.uris import bracketed, host_and_port, sip_uri
from asterisk_siptrunk.settings import AsteriskSettings
from asterisk_siptrunk.trunk import CallerPolicy, Transport, Trunk, TrunkKind

PLACEHOLDER = "<the secret you were given>"
"""A secret is shown once, at its creation, and stored nowhere."""
USUAL_PORT = 5060
_FOREIGN = {
    CallerPolicy.REPLACE: "replaced by your main number",
    CallerPolicy.REFUSE: "refused",
}


class PbxKind(StrEnum):
    """PBXs that we have settings for."""

    ASTERISK = "asterisk"
    FREEPBX = "freepbx"
    THREE_CX = "3cx"
    GENERIC = "generic"


def pbx_settings(
    trunk: Trunk, username: str, asterisk: AsteriskSettings, kind: PbxKind, templates: Templates
) -> str:
    """Write the settings of a customer's PBX for its trunk, ready to paste.

    `username` is that of the trunk's credentials, `trunk-NAME` where it has none. The address is
    `asterisk.address`, or a placeholder as long as that is not set.

    Raises:
        TemplateFailed: the address or a template cannot be used.
    """
    try:
        return templates.render(f"pbx_{kind}", _values(trunk, username, asterisk))
    except UnsafeValue as unsafe:
        raise TemplateFailed(f"trunk {trunk.name}: {unsafe.value[:40]!r}: {unsafe}.") from None


def sip_server(trunk: Trunk, asterisk: AsteriskSettings) -> tuple[str, int]:
    """Where the PBX of a trunk finds us: a host, or a placeholder for it, and a port."""
    host, own_port = host_and_port(asterisk.address or "address-of-your-provider")
    tls = trunk.transport is Transport.TLS
    # Port 0 is that of transports that are not ours: SIP's usual one, as far as we know.
    port = own_port or (asterisk.tls_port if tls else asterisk.sip_port) or USUAL_PORT
    return bracketed(host), port


def _values(trunk: Trunk, username: str, asterisk: AsteriskSettings) -> dict[str, object]:
    server, port = sip_server(trunk, asterisk)
    tls = trunk.transport is Transport.TLS
    # A URI without a port means the usual one, but over TLS another: RFC 3261 section 19.1.2.
    unsaid = port == USUAL_PORT and not tls
    return {
        "trunk": trunk,
        "username": username,
        "server": server,
        "port": port,
        "server_uri": sip_uri(server, None if unsaid else port, trunk.transport),
        "client_uri": sip_uri(server, user=username),
        "registers": trunk.kind is TrunkKind.REGISTERED,
        "tls": tls,
        "main_number": trunk.main_number or Verbatim("<your number>"),
        "foreign": _FOREIGN[trunk.caller_policy],
        "placeholder": PLACEHOLDER,
    }
