"""Opening and blocking destinations: each is asked first, with what it opens and what it costs."""

from dataclasses import dataclass, replace

from starlette.responses import Response

from asterisk_siptrunk.account import Right
from asterisk_siptrunk.billing.tariff import PriceRange
from asterisk_siptrunk.bootstrap import rules
from asterisk_siptrunk.destination import (
    Action,
    Layer,
    Policy,
    Rule,
    Target,
    refuse_emergency,
    shipped_risk,
)
from asterisk_siptrunk.destination.overview import Difference, dangerous, difference
from asterisk_siptrunk.destination.zones import Zone
from asterisk_siptrunk.errors import InvalidInput, NotFound
from asterisk_siptrunk.web.pages import Pages
from asterisk_siptrunk.web.site.destination_words import DestinationWords
from asterisk_siptrunk.web.site.destinations import Scene, in_path, read_scene
from asterisk_siptrunk.web.view import View

PAGES = Pages()
_OPEN, _BLOCK, _REMOVE, _REMOVE_PROVIDERS = "open", "block", "remove", "remove-provider"
_CHANGES = frozenset({_OPEN, _BLOCK, _REMOVE, _REMOVE_PROVIDERS})
_LONGEST_NOTE = 200
_LOCKED = "locked"


@dataclass(frozen=True, slots=True)
class Plan:
    """A change of a trunk's rules, and what it would do.

    Attributes:
        rule: the one to be put, or to be taken away.
        risky: what toll fraud prefers of what it opens: the password is asked for again.
        prices: of what it opens.
        decides: what keeps it from having an effect, where it has none.
    """

    scene: Scene
    change: str
    rule: Rule
    does: Difference
    risky: tuple[Zone, ...]
    prices: PriceRange | None
    decides: Rule | None

    @property
    def removes(self) -> bool:
        """Whether a rule is taken away."""
        return self.change in {_REMOVE, _REMOVE_PROVIDERS}

    @property
    def in_vain(self) -> bool:
        """Whether it is to open something, and opens nothing."""
        return self.change == _OPEN and not self.does.opened


@PAGES.get("/trunks/{trunk}/destinations/{change}/{target}", Right.MANAGE)
def ask(view: View, trunk: str, change: str, target: str) -> Response:
    """Say what a change does, before it is done."""
    plan = _plan(view, trunk, change, target)
    return view.page(
        "destination_change.html",
        plan=plan,
        trunk=plan.scene.trunk,
        say=DestinationWords(view),
        in_path=in_path,
        address=f"/trunks/{trunk}/destinations/{change}/{in_path(str(plan.rule.target))}",
    )


@PAGES.post("/trunks/{trunk}/destinations/{change}/{target}", Right.MANAGE)
def carry_out(view: View, trunk: str, change: str, target: str) -> Response:
    """Do it, from the next call on; not what is risky, which asks for the password."""
    plan = _plan(view, trunk, change, target)
    if plan.risky:
        sentence = "Toll fraud prefers such destinations: confirm with your password."
        raise InvalidInput(view.say(sentence))
    return _done(view, plan)


@PAGES.post("/trunks/{trunk}/destinations/{change}/{target}/risky", Right.MANAGE, confirmed=True)
def carry_out_risky(view: View, trunk: str, change: str, target: str) -> Response:
    """Do it, by somebody who has just given the password."""
    return _done(view, _plan(view, trunk, change, target))


def _plan(view: View, trunk: str, change: str, target: str) -> Plan:
    if change not in _CHANGES:
        raise NotFound(view.say("There is no such page."))
    with view.reading() as connection:
        scene = read_scene(view, connection, trunk)
    rule = _rule(view, scene, change, Target.parse(target))
    before, home = scene.policy, scene.trunk.country
    after = Policy(_rules_after(scene, rule, puts=change in {_OPEN, _BLOCK}), home)
    does = difference(before, after, home)
    judged = (after.judge_zone(zone).rule for zone in _zones_meant(scene, rule))
    return Plan(
        scene=scene,
        change=change,
        rule=rule,
        does=does,
        risky=dangerous(does.opened, home, shipped_risk()),
        prices=scene.tariff.over(does.opened),
        decides=next((one for one in judged if one is not None and one != rule), None),
    )


def _rule(view: View, scene: Scene, change: str, target: Target) -> Rule:
    """The rule that is put or taken away; whose it is, the provider's people may say."""
    refuse_emergency(str(target), scene.trunk.country)
    if change in {_OPEN, _BLOCK}:
        action = Action.ALLOW if change == _OPEN else Action.BLOCK
        layer, locked = _layer(view)
        note = view.field("note")
        if len(note) > _LONGEST_NOTE or not note.isprintable():
            raise InvalidInput(view.say("A note is one line of 200 letters at most."))
        return Rule(target, action, layer, locked, note)
    layer = Layer.CUSTOMER if change == _REMOVE else Layer.PROVIDER
    if layer is Layer.PROVIDER and not view.account.role.of_provider:
        raise NotFound(view.say("There is no such page."))
    for stored in scene.stored:
        if stored.trunk and stored.rule.target == target and stored.rule.layer is layer:
            return stored.rule
    raise NotFound(view.say("There is no rule for %(target)s.", target=target))


def _layer(view: View) -> tuple[Layer, bool]:
    """Whose the rule is to be, and whether it is locked."""
    wanted = view.field("layer")
    if not view.account.role.of_provider or wanted not in {Layer.PROVIDER, _LOCKED}:
        return Layer.CUSTOMER, False
    return Layer.PROVIDER, wanted == _LOCKED


def _rules_after(scene: Scene, rule: Rule, *, puts: bool) -> list[Rule]:
    """All rules as they would be; a rule takes the place of this trunk's own one alone."""
    kept = [
        one.rule
        for one in scene.stored
        if one.trunk is None or (one.rule.target, one.rule.layer) != (rule.target, rule.layer)
    ]
    return [*kept, rule] if puts else kept


def _zones_meant(scene: Scene, rule: Rule) -> tuple[Zone, ...]:
    """The zones that a rule alone would decide on."""
    home = scene.trunk.country
    blocks_all = Policy((replace(rule, action=Action.BLOCK),), home)
    found = difference(Policy((), home), blocks_all, home)
    return found.closed


def _done(view: View, plan: Plan) -> Response:
    scene, rule = plan.scene, plan.rule
    trunk, words = scene.trunk.name, DestinationWords(view)
    if plan.in_vain:
        raise InvalidInput(view.say("This would open nothing: another rule decides."))
    with view.changing() as (connection, by):
        if tuple(rules.every(connection, trunk)) != scene.stored:
            sentence = "The rules have changed meanwhile: look again at what this does."
            raise InvalidInput(view.say(sentence))
        if plan.removes:
            rules.remove(connection, by, rule.target, rule.layer, trunk)
        else:
            rules.put(connection, by, rule, trunk)
    known = {"what": words.target(rule.target)}
    if plan.removes:
        said = view.say("The rule is taken away: %(what)s.", **known)
    elif rule.action is Action.ALLOW:
        said = view.say("Open from the next call on: %(what)s.", **known)
    else:
        said = view.say("Blocked from the next call on: %(what)s.", **known)
    return view.go(f"/trunks/{trunk}/destinations", said)
