"""The command `siptrunk`: options that all of it shares, and how every failure is told."""

import errno
import os
import sys
from pathlib import Path
from typing import Any

import click

from asterisk_siptrunk.cli.lazy import LazyGroup
from asterisk_siptrunk.errors import SiptrunkError

INTERRUPTED = 130
"""128 + SIGINT, as a shell counts it."""
READER_GONE = 141
"""128 + SIGPIPE: `siptrunk call list | head`."""
OUR_FAULT = 70
"""EX_SOFTWARE of sysexits.h: a defect of ours, unlike the 1 of an error that we can explain."""

_LINES = {
    "init": "Make the settings and the database, or bring them up to date.",
    "doctor": "Look for what is wrong, and say what to do.",
    "customer": "Who holds trunks.",
    "trunk": "Channels, credentials and terms of a customer's PBX.",
    "suspension": "What is stopped, and why.",
    "number": "Telephone numbers, each on one trunk.",
    "carrier": "The operators upstream.",
    "pbx": "The PBXs that customers may use.",
    "destination": "Where calls may go, and what becomes of a number.",
    "offer": "What can be ordered, and its packs.",
    "plan": "Channels tied to a telephone or access plan.",
    "rate": "What calls cost.",
    "order": "Channels ordered, paid, and taken back.",
    "subscription": "What trunks are subscribed to, and what comes next.",
    "invoice": "Invoices and credit notes.",
    "billing": "What is due: rated, invoiced, reminded of.",
    "config": "Asterisk's configuration: plan, check, apply, roll back.",
    "server": "The servers, each an Asterisk with its service.",
    "serve": "Admit calls and record usage, until stopped.",
    "web": "The management interface: who may log in, and where it is served.",
    "token": "What programs show to use the API.",  # nosec B105 - a word of ours, no secret
    "service": "The service under systemd.",
    "call": "Calls, those going on and those of the past.",
    "usage": "Usage for billing.",
    "security": "Who tries to get in, and rules that keep a flood out.",
    "anomaly": "What the watch over abnormal use finds, and its rules.",
    "notice": "What customers and your own systems are told.",
    "backup": "Write the SQLite database to a file, while it is in use.",
    "restore": "Put a backup in the SQLite database's place.",
}


class _Unexpected(click.ClickException):
    exit_code = OUR_FAULT


# What writing a result can fail with, besides a reader that has gone.
_OUTPUT_FAILS_WITH = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF}
# Bytes of an argument that are no text come as surrogates, and show only where one is used.
_NO_TEXT = "surrogates not allowed"


class _Root(LazyGroup):
    """Ends every failure in one sentence and an exit status."""

    def main(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - as click has it
        """Run; help, too, may have nowhere to be written."""
        try:
            return super().main(*arguments, **options)
        except OSError as error:
            if not _is_of_output(error):
                raise
            _forget_output()
            click.echo(f"Error: cannot write: {error.strerror}.", err=True)
            sys.exit(1)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - as click has it
        try:
            return super().invoke(ctx)
        except SiptrunkError as error:
            raise click.ClickException(str(error)) from error
        except KeyboardInterrupt:
            raise click.exceptions.Exit(INTERRUPTED) from None
        except BrokenPipeError:
            _forget_output()
            raise click.exceptions.Exit(READER_GONE) from None
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except UnicodeEncodeError as error:
            if ctx.params["debug"]:
                raise
            if error.reason != _NO_TEXT:
                raise _defect(error) from error
            raise click.ClickException(
                "An argument is no text in UTF-8: nothing can be found or stored by it."
            ) from None
        except Exception as error:
            if ctx.params["debug"] or _is_of_output(error):
                raise
            raise _defect(error) from error


def _defect(error: Exception) -> click.ClickException:
    # Its words stay out: a driver's message may quote what was being stored.
    return _Unexpected(
        f"{type(error).__name__}: this is a defect of siptrunk. To see where, run the same "
        "again as 'siptrunk --debug …' or with SIPTRUNK_DEBUG=1, and report what it says."
    )


def _is_of_output(error: Exception) -> bool:
    """Whether stdout failed: an error of a file would name it."""
    return (
        isinstance(error, OSError) and error.filename is None and error.errno in _OUTPUT_FAILS_WITH
    )


def _forget_output() -> None:
    # The interpreter flushes at its end, and would complain about the reader that has gone.
    if sys.stdout is None:  # closed from the beginning
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


@click.group(
    cls=_Root,
    package=__package__,
    lines=_LINES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The settings file.  [default: $SIPTRUNK_CONFIG, else /etc/siptrunk/siptrunk.toml]",
)
@click.option("--debug", is_flag=True, envvar="SIPTRUNK_DEBUG", help="Show where a defect is.")
@click.version_option(package_name="asterisk-siptrunk", prog_name="siptrunk")
def root(config: Path | None, *, debug: bool) -> None:
    """Turn Asterisk into a SIP trunk service.

    \b
    Begin:
      siptrunk init
      siptrunk customer add acme --title "Acme SA"
      siptrunk trunk add acme-paris --customer acme --channels 10 --number 0123456789
      siptrunk carrier add ovh --profile ovh --username 0033123456789
      siptrunk config install
      siptrunk config apply
      siptrunk serve

    \b
    Complete names in bash (zsh and fish alike):
      eval "$(_SIPTRUNK_COMPLETE=bash_source siptrunk)"
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    del config, debug  # read where they are needed, from the context
