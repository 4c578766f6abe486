"""How pages name destinations, rules and their states in the reader's language."""

from collections.abc import Iterable

from babel.lists import format_list

from asterisk_siptrunk.destination import Action, Kind, Layer, Rule, Scope, Target
from asterisk_siptrunk.destination.model import NETWORKS
from asterisk_siptrunk.destination.overview import Openness
from asterisk_siptrunk.web.view import View


class DestinationWords:
    """One for each page."""

    def __init__(self, view: View) -> None:
        self._view = view
        say = view.say
        self._provider = view.house.settings.provider.name
        self.kinds: dict[Kind, str] = {
            Kind.FIXED: say("landlines"),
            Kind.MOBILE: say("mobiles"),
            Kind.FIXED_OR_MOBILE: say("landlines and mobiles"),
            Kind.FREE: say("toll-free numbers"),
            Kind.SHARED_COST: say("shared-cost numbers"),
            Kind.PREMIUM: say("surcharged numbers"),
            Kind.PERSONAL: say("personal numbers"),
            Kind.VOIP: say("non-geographic numbers"),
            Kind.SATELLITE: say("satellites and international networks"),
            Kind.OTHER: say("other numbers"),
            Kind.SHORT: say("short numbers"),
            Kind.UNALLOCATED: say("numbers nobody was given"),
        }
        self.states: dict[Openness, str] = {
            Openness.OPEN: say("open"),
            Openness.PARTLY: say("partly open"),
            Openness.BLOCKED: say("blocked"),
            Openness.LOCKED: say("locked by %(provider)s", provider=self._provider),
        }

        self._wide = {
            Scope.ALL: say("everything"),
            Scope.INTERNATIONAL: say("all other countries"),
            Scope.RISK: say("what toll fraud prefers"),
        }

    def country(self, code: str) -> str:
        """A country's name in the reader's language."""
        if code == NETWORKS:
            return self._view.say("International networks")
        return str(self._view.words.locale.territories.get(code, code))

    def kind(self, kind: Kind) -> str:
        """What a kind of numbers is called."""
        return self.kinds[kind]

    def list_of_kinds(self, kinds: Iterable[Kind]) -> str:
        """Several kinds in a row."""
        return format_list([self.kinds[kind] for kind in kinds], locale=self._view.words.locale)

    def target(self, target: Target) -> str:
        """What a rule speaks of."""
        say, name = self._view.say, target.name
        country, _, kind = name.partition(":")
        match target.scope:
            case Scope.ALL | Scope.INTERNATIONAL | Scope.RISK:
                said = self._wide[target.scope]
            case Scope.KIND:
                said = say("%(kind)s everywhere", kind=self.kinds[Kind(kind)])
            case Scope.ZONE:
                names = {"country": self.country(country.upper()), "kind": self.kinds[Kind(kind)]}
                said = say("%(country)s: %(kind)s", **names)
            case Scope.COUNTRY if not name.startswith("+"):
                said = self.country(name.upper())
            case Scope.SHORT_NUMBER:
                said = say("the short number %(number)s", number=name)
            case _:
                said = say("numbers that begin with %(prefix)s", prefix=name)
        return said

    def rule(self, rule: Rule) -> str:
        """What a rule does, whose it is, and why."""
        say = self._view.say
        known = {"what": self.target(rule.target), "provider": self._provider}
        blocks = rule.action is Action.BLOCK
        if rule.layer is Layer.CUSTOMER:
            said = say("%(what)s: blocked by the customer's own rule", **known)
            return said if blocks else say("%(what)s: opened by the customer's own rule", **known)
        if rule.locked:
            said = say("%(what)s: locked shut by %(provider)s", **known)
            return said if blocks else say("%(what)s: kept open by %(provider)s", **known)
        said = say("%(what)s: blocked by %(provider)s's rule", **known)
        return said if blocks else say("%(what)s: opened by %(provider)s's rule", **known)
