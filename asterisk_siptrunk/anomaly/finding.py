"""What the watch found: one sentence, and the calls that show it."""

from dataclasses import dataclass

from asterisk_siptrunk.anomaly.rule import AHEAD, Action, Level, Measure, Per, Rule
from asterisk_siptrunk.anomaly.trait import words

MOST_EVIDENCE = 8
"""Calls that a finding names: the last ones. All of them are in the database."""
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule found.

    Attributes:
        trunk: "" for all trunks together.
        key: the zone, the caller, the callee or the address that it was counted for, or "".
        zone: where the call goes that showed it, or "": what `BLOCK_ZONE` blocks.
        amount: what was seen, `usual` what is, in the measure's unit (hundredths for a share).
        basis: what `usual` rests on ("on Mondays at 14 h over the last 8 weeks"), or "".
        at: seconds since 1970, UTC.
        evidence: ids of the calls.
        stays_home: whether the call that showed it is a dear one within the home country's plan.
    """

    rule: Rule
    level: Level
    trunk: str
    key: str
    zone: str
    at: float
    amount: int
    usual: int | None
    basis: str
    evidence: tuple[int, ...]
    stays_home: bool = False

    @property
    def action(self) -> Action:
        """What follows.

        Where calls abroad would be blocked, and dear numbers at home are what was called, it is
        their zone.
        """
        action = self.rule.action(self.level)
        stays = action is Action.BLOCK_INTERNATIONAL and self.stays_home
        return Action.BLOCK_ZONE if stays else action

    @property
    def sentence(self) -> str:
        """What was seen, over which window, what is usual, and by which rule."""
        usual = "" if self.usual is None else f"; usual is at most {self._usual()}"
        return (
            f"{self._whose()}: {self._seen()}{usual} "
            f"(rule {self.rule.name}, version {self.rule.version}: {self._bound()})."
        )

    def _whose(self) -> str:
        return f"Trunk {self.trunk}" if self.trunk else "All trunks"

    def _seen(self) -> str:
        rule = self.rule
        what = _FORMS[rule.count.measure].format(_amount(rule, self.amount))
        traits = words(rule.count.of)
        traits = f" ({traits})" if traits else ""
        traits += ", the dearest number left out," if rule.count.but_dearest else ""
        where = f" {_FOR[rule.count.per]} {self.key}" if self.key else ""
        return f"{what}{traits}{where}{_within(rule)}"

    def _usual(self) -> str:
        return f"{_amount(self.rule, self.usual or 0)} {self.basis}"

    def _bound(self) -> str:
        critical = self.level is Level.CRITICAL
        bound = self.rule.bound(self.level)
        word = "stops" if critical and self.rule.on_critical.stops else "warns"
        times = self.rule.usual_times
        above = f" above {times:g} times what is usual" if times else ""
        return f"{word} from {_amount(self.rule, bound or 0)}{above}"


_FORMS = {
    Measure.ATTEMPTS: "{} attempted calls",
    Measure.ENDS: "{} calls",
    Measure.CALLERS: "{} caller numbers",
    Measure.CALLEES: "{} numbers called",
    Measure.PLACES: "{} countries or kinds of numbers",
    Measure.SIMULTANEOUS: "{} calls at once",
    Measure.TALK: "{} minutes of calls",
    Measure.COST: "calls for {}",
    Measure.COMMITTED: f"calls for {{}}, the next {AHEAD} minutes included,",
    Measure.STOPS: "calls stopped {} times",
    Measure.LOGINS: "{} registrations or authentications",
}
_FOR = {Per.ZONE: "to", Per.CALLER: "from", Per.CALLEE: "to", Per.SOURCE: "from"}


def _amount(rule: Rule, amount: int) -> str:
    if rule.among is not None:
        return f"{amount} %"
    match rule.count.measure:
        case Measure.TALK:
            return f"{amount // _MINUTE}"
        case Measure.COST | Measure.COMMITTED:
            return f"{amount / 1_000_000:.2f}"
        case _:
            return str(amount)


def _within(rule: Rule) -> str:
    """The window; there is none in what happens at once."""
    if rule.count.measure is Measure.SIMULTANEOUS:
        return ""
    return f" within {span_words(rule.count.window)}"


def span_words(seconds: float) -> str:
    """A time span: "10 minutes", "24 hours", "7 days"."""
    for size, unit in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute")):
        count, rest = divmod(seconds, size)
        if count >= 1 and not rest:
            return f"{count:g} {unit}{'s' if count > 1 else ''}"
    return f"{seconds:g} seconds"
