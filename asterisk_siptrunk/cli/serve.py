"""`siptrunk serve`."""

import click

from asterisk_siptrunk import bootstrap
from asterisk_siptrunk.cli.desk import Desk, pass_desk
from asterisk_siptrunk.cli.log import begin_log
from asterisk_siptrunk.cli.output import say, warn
from asterisk_siptrunk.errors import AmiError
from asterisk_siptrunk.settings import Settings


@click.command()
@pass_desk
def command(desk: Desk) -> None:
    """Admit calls and record their usage, until SIGTERM or Ctrl-C.

    While it does not run, the dialplan goes on by each trunk's away policy.

    Example: siptrunk serve
    """
    begin_log(desk.settings.log)
    _warn_of_another_name(desk.settings)
    host = desk.settings.agi.host
    bootstrap.serve(desk.settings, lambda port: say(f"Admitting calls at {host}:{port}."))


def _warn_of_another_name(settings: Settings) -> None:
    """Tell that calls would be looked for under a name that this Asterisk does not have."""
    try:
        name = bootstrap.system_name(settings)
    except AmiError:  # it may come later, and calls are admitted without its manager interface
        return
    if name != settings.asterisk.server:
        warn(
            f"Asterisk calls itself {name!r}, [asterisk] server is {settings.asterisk.server!r}: "
            "calls are recorded under a name that is not its own. Make both the same: systemname "
            "in its asterisk.conf, server in the settings."
        )
