"""How well calls go by a carrier, from the calls alone.

ASR and NER as ITU-T E.425 has them: the answered calls, and those that the network brought to who
was called, in a hundred that were put to the carrier. What is refused before a carrier is chosen is
in none of these, and what a customer dials wrong counts for the network: it did its part.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil

from asterisk_siptrunk.call.fault import Party

_LATE = 0.95


@dataclass(frozen=True, slots=True)
class Trial:
    """One call put to one carrier, and what became of it there.

    Attributes:
        party: whose doing it is that nobody answered; NOBODY where somebody did.
        delay: seconds until it rang, or was answered without ringing; None where it did neither.
        talk: seconds between answer and end, None where there was no answer, or is no end yet.
    """

    party: Party
    delay: float | None = None
    talk: float | None = None


@dataclass(frozen=True, slots=True)
class Quality:
    """What the calls of a carrier come to; what cannot be told of so few is None.

    Attributes:
        trials: calls that were put to it and were answered, or are over.
        answered: of these.
        ended: of those.
        failures: the calls that were not answered, by whose doing it is.
        talked: seconds, of the ended ones.
        delays: seconds until it rang, in order.
    """

    trials: int = 0
    answered: int = 0
    ended: int = 0
    failures: Mapping[Party, int] = field(default_factory=dict)
    talked: float = 0.0
    delays: Sequence[float] = ()

    @property
    def asr(self) -> float | None:
        """Answer-seizure ratio: the share of calls that were answered."""
        return self.answered / self.trials if self.trials else None

    @property
    def ner(self) -> float | None:
        """Network effectiveness ratio: the share that neither we nor the carrier failed."""
        failed = sum(count for party, count in self.failures.items() if party.is_network)
        return (self.trials - failed) / self.trials if self.trials else None

    @property
    def acd(self) -> float | None:
        """Average call duration: seconds between answer and end."""
        return self.talked / self.ended if self.ended else None

    @property
    def median_delay(self) -> float | None:
        """Post-dial delay: half the calls rang so soon, in seconds."""
        return _at(self.delays, 0.5)

    @property
    def late_delay(self) -> float | None:
        """Nineteen calls in twenty rang so soon, in seconds."""
        return _at(self.delays, _LATE)


def quality_of(trials: Iterable[Trial]) -> Quality:
    """Add up the calls of one carrier."""
    every = list(trials)
    talks = [one.talk for one in every if one.talk is not None]
    return Quality(
        trials=len(every),
        answered=sum(one.party is Party.NOBODY for one in every),
        ended=len(talks),
        failures=Counter(one.party for one in every if one.party is not Party.NOBODY),
        talked=sum(talks),
        delays=sorted(one.delay for one in every if one.delay is not None),
    )


def _at(ordered: Sequence[float], share: float) -> float | None:
    """The nearest rank: the least value that so many are not above."""
    return ordered[ceil(share * len(ordered)) - 1] if ordered else None
