"""Channels held at once, and the demand for them."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterisk_siptrunk.call.occupancy import (
    SLOT,
    USUAL_LENGTH,
    Need,
    Use,
    borders,
    need,
    peaks,
    stretch,
)

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = NOON + timedelta(hours=1)
LATE = NOON + timedelta(days=1)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def span(since: float, until: float) -> tuple[datetime, datetime]:
    return at(since), at(until)


def use(since: float, until: float | None) -> Use:
    return Use(at(since), None if until is None else at(until))


def full(since: float, callee: str = "+331") -> Use:
    return Use(at(since), at(since), full=True, callee=callee)


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        pytest.param([], [0, 0, 0, 0], id="none"),
        pytest.param([span(1, 2), span(3, 4)], [1, 0, 0, 0], id="one-by-one"),
        pytest.param([span(1, 3), span(2, 4)], [2, 0, 0, 0], id="overlapping"),
        pytest.param([span(1, 2), span(2, 3)], [1, 0, 0, 0], id="one-takes-over"),
        pytest.param([span(5, 50)], [1, 1, 1, 1], id="over-borders"),
        pytest.param([span(5, 15), span(15, 20)], [1, 1, 0, 0], id="ends-on-a-border"),
        pytest.param([span(15, 16)], [0, 1, 0, 0], id="begins-on-a-border"),
        pytest.param([span(-9, 200)] * 3, [3, 3, 3, 3], id="from-before-to-after"),
        pytest.param([span(-9, -1), span(60, 70)], [0, 0, 0, 0], id="outside"),
        pytest.param([span(7, 7)], [0, 0, 0, 0], id="of-no-length"),
    ],
)
def test_peaks(spans, expected):
    assert peaks(spans, borders(NOON, HOUR)) == expected


MINUTES = st.integers(-20, 80)


@given(st.lists(st.tuples(MINUTES, MINUTES), max_size=12))
def test_peaks_are_those_of_counting_at_every_moment(pairs):
    spans = [span(*sorted(pair)) for pair in pairs]
    expected = []
    for begin, end in pairwise(borders(NOON, HOUR)):
        moments = [at(minute) for minute in range(-20, 81) if begin <= at(minute) < end]
        expected.append(max(sum(s <= one < e for s, e in spans) for one in moments))
    assert peaks(spans, borders(NOON, HOUR)) == expected


@pytest.mark.parametrize(
    ("minutes", "slots"),
    [(60, 4), (61, 5), (15, 1), (1, 1), (25 * 60, 100)],  # 25 hours: the day that summer time ends
)
def test_borders(minutes, slots):
    found = borders(NOON, at(minutes))
    assert (len(found) - 1, found[0], found[-1]) == (slots, NOON, at(minutes))
    assert all(after - before <= SLOT for before, after in pairwise(found))


@pytest.mark.parametrize(
    ("uses", "peaks_", "wanted", "refused"),
    [
        pytest.param([use(1, 3), use(2, None)], [2, 1, 1, 1], [2, 1, 1, 1], [0] * 4, id="no-try"),
        # Calls last 2 minutes: the refused one would have held a third channel.
        pytest.param(
            [use(1, 3), use(1, 3), full(2)], [2, 0, 0, 0], [3, 0, 0, 0], [1, 0, 0, 0], id="one"
        ),
        pytest.param(
            [use(1, 3), full(2), full(2.5), full(3)],
            [1, 0, 0, 0],
            [2, 0, 0, 0],
            [3, 0, 0, 0],
            id="tried-again-is-one-wish",
        ),
        pytest.param(
            [use(1, 3), full(2), full(2.5, "+332")],
            [1, 0, 0, 0],
            [3, 0, 0, 0],
            [2, 0, 0, 0],
            id="two-callees",
        ),
        pytest.param(
            [use(1, 3), use(5, 7), full(2), full(6)],
            [1, 0, 0, 0],
            [2, 0, 0, 0],
            [2, 0, 0, 0],
            id="tried-again-later",
        ),
        # 14 + 3 minutes, where nothing tells how long calls last.
        pytest.param([full(14)], [0] * 4, [1, 1, 0, 0], [1, 0, 0, 0], id="usual-length"),
        pytest.param([full(-1), full(60)], [0] * 4, [0] * 4, [0] * 4, id="tries-outside"),
        pytest.param(
            [use(5, 5), full(14)], [0] * 4, [1, 1, 0, 0], [1, 0, 0, 0], id="other-refusal"
        ),
    ],
)
def test_a_stretch(uses, peaks_, wanted, refused):
    found = stretch(uses, NOON, HOUR, LATE)
    assert found.starts == (at(0), at(15), at(30), at(45))
    assert (found.peaks, found.wanted, found.refused) == (
        tuple(peaks_),
        tuple(wanted),
        tuple(refused),
    )
    assert found.peak == max(peaks_)


def test_a_call_that_lasts_counts_for_the_length_until_now():
    # It began 10 minutes ago: a refused call would have held from minute 12 to 22.
    found = stretch([use(2, None), full(12)], NOON, HOUR, at(12))
    assert found.wanted == (2, 2, 1, 1)
    assert timedelta(minutes=10) > USUAL_LENGTH


def test_what_is_needed():
    quiet = stretch([use(1, 3)], NOON, HOUR, LATE)
    busy = stretch([use(1, 3), full(2), full(16), full(17, "+332")], NOON, HOUR, LATE)
    assert need([quiet, busy, quiet]) == Need(
        peak=1, sufficient=2, refused=3, refused_in=1, worst=at(15), worst_refused=2
    )
    assert need([quiet]) == Need(1, 1, 0, 0, None, 0)
    assert need([]) == Need(0, 0, 0, 0, None, 0)
