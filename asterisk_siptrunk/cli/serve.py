"""`siptrunk serve`."""

import logging

import click

from asterisk_siptrunk import bootstrap
from asterisk_siptrunk.cli.desk import Desk, pass_desk
from asterisk_siptrunk.cli.output import say


@click.command()
@pass_desk
def command(desk: Desk) -> None:
    """Admit calls and record their usage, until SIGTERM or Ctrl-C.

    While it does not run, the dialplan goes on by each trunk's away policy.

    Example: siptrunk serve
    """
    # To stderr without a time: systemd's journal adds it.
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("panoramisk").setLevel(logging.WARNING)  # it tells of each connection
    host = desk.settings.agi.host
    bootstrap.serve(desk.settings, lambda port: say(f"Admitting calls at {host}:{port}."))
