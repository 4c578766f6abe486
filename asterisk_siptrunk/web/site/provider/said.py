"""Words that several of the provider's pages use."""

from asterisk_siptrunk.anomaly.rule import Level
from asterisk_siptrunk.call.fault import Party
from asterisk_siptrunk.call.server import ServerState
from asterisk_siptrunk.web.view import View


def parties(view: View) -> dict[Party, str]:
    """By whom calls fail."""
    return {
        Party.US: view.say("ours"),
        Party.CARRIER: view.say("the carrier's"),
        Party.CUSTOMER: view.say("the customer's"),
        Party.CALLER: view.say("the caller's"),
        Party.CALLED: view.say("the called party's"),
        Party.UNKNOWN: view.say("not known"),
    }


def states(view: View) -> dict[ServerState, tuple[str, str]]:
    """How a server is, and the mark of it."""
    return {
        ServerState.SERVING: (view.say("serving"), "good"),
        ServerState.SILENT: (view.say("silent"), "bad"),
        ServerState.STOPPED: (view.say("stopped"), "warn"),
        ServerState.LOST: (view.say("lost"), "bad"),
    }


def levels(view: View) -> dict[str, tuple[str, str]]:
    """How bad a finding is, and the mark of it."""
    return {
        Level.CRITICAL.name.lower(): (view.say("critical"), "bad"),
        Level.WARNING.name.lower(): (view.say("warning"), "warn"),
    }
