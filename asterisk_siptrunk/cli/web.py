"""`siptrunk web`."""

import click

from asterisk_siptrunk import bootstrap
from asterisk_siptrunk.cli.desk import Desk, pass_desk
from asterisk_siptrunk.cli.log import begin_log
from asterisk_siptrunk.cli.output import say, warn


@click.group()
def command() -> None:
    """What is served over HTTP: payments by webhook."""


@command.command()
@pass_desk
def serve(desk: Desk) -> None:
    """Serve [web] by itself, until SIGTERM or Ctrl-C.

    'siptrunk serve' does so as well where [web] port is set, beside its calls. Served by itself, on
    this machine or another one with the same database, it shares no processor time with them.

    \b
      POST /webhooks/payment    signed with payment_secret of secrets.toml:
                                {"reference": …, "amount": "12.50", "currency": "EUR",
                                 "order": …} or "invoice": … in its place
      GET /healthz              whether requests are answered

    \b
    Example:
      siptrunk web serve
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    begin_log(desk.settings.log)
    host = desk.settings.web.host
    if not desk.settings.secrets.payment_secret:
        warn("payment_secret in secrets.toml is empty: no payment that is told of is believed.")
    bootstrap.serve_web(desk.settings, lambda port: say(f"Serving the web at {host}:{port}."))
