"""The proof that usage is complete, with its progress at a terminal."""

from collections.abc import Iterator
from functools import partial

from asterisk_siptrunk import bootstrap
from asterisk_siptrunk.bootstrap import Prover, Shown
from asterisk_siptrunk.call.verify import UsageRow
from asterisk_siptrunk.cli.desk import Desk
from asterisk_siptrunk.cli.progress import counted, measured


def prover(desk: Desk) -> Prover:
    """What proves the usage of the Asterisk beside us."""
    shown = Shown(_counted, partial(measured, "Reading the journal"))
    return bootstrap.prover(desk.settings, desk.engine, bootstrap.signature, shown)


def _counted(rows: Iterator[UsageRow]) -> Iterator[UsageRow]:
    return counted(rows, "calls")
