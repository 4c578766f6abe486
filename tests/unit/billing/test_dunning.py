"""The steps that an invoice comes to that nobody pays."""

from datetime import date, timedelta

import pytest

from asterisk_siptrunk.billing.dunning import Patience, Step, step_due

DUE = date(2026, 12, 12)
PATIENCE = Patience(reminder=3, outbound=14, all=28)


@pytest.mark.parametrize(
    ("late", "step"),
    [
        (-30, Step.NONE),
        (0, Step.NONE),
        (3, Step.NONE),
        (4, Step.REMINDER),
        (14, Step.REMINDER),
        (15, Step.OUTBOUND),
        (28, Step.OUTBOUND),
        (29, Step.ALL),
        (400, Step.ALL),
    ],
)
def test_the_step_of_a_day(late, step):
    assert step_due(DUE, DUE + timedelta(late), PATIENCE) is step


def test_without_patience_the_day_after_is_late():
    none = Patience(0, 0, 0)
    assert step_due(DUE, DUE, none) is Step.NONE
    assert step_due(DUE, DUE + timedelta(1), none) is Step.ALL


def test_steps_only_rise():
    steps = [step_due(DUE, DUE + timedelta(late), PATIENCE) for late in range(-5, 60)]
    assert steps == sorted(steps)
