"""What the generation asks of a running Asterisk; `asterisk/control.py` answers over AMI."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Protocol


class Module(StrEnum):
    """A part of Asterisk that reads files of ours, by the name that AMI's `Reload` takes."""

    PJSIP = "res_pjsip.so"
    DIALPLAN = "pbx_config.so"
    MANAGER = "manager"
    CDR = "cdr"
    CDR_CUSTOM = "cdr_custom.so"


class RunningAsterisk(Protocol):
    """An Asterisk server that can be told to read its files again, and asked what it then has.

    Every method raises `AmiUnavailable` when the server cannot be reached or stays silent, and
    `AmiRefused` when it answers with an error.
    """

    def version(self) -> str:
        """Its version, as `22.10.1` (AMI `CoreSettings`, `AsteriskVersion`)."""

    def reload(self, module: Module) -> None:
        """Have one part read its files again, and wait until it has (AMI `Reload`)."""

    def runs(self, module: Module) -> bool:
        """Whether a module is there and did not decline to load.

        Asked as AMI `Reload`, which changes nothing where its file is as it was: `ModuleCheck` is
        content with a module that declined.
        """

    def load(self, module: Module) -> None:
        """Load a module (AMI `ModuleLoad`)."""

    def endpoints(self) -> frozenset[str]:
        """Names of all PJSIP endpoints (AMI `PJSIPShowEndpoints`, `ObjectName`)."""

    def endpoint_values(self, names: Collection[str], option: str) -> Mapping[str, str]:
        """One option of each of these endpoints; an endpoint that is not there is left out.

        Asked as AMI `Getvar` of `PJSIP_ENDPOINT(NAME,OPTION)`, pipelined: a change of the
        templates changes 10,000 endpoints at once.
        """

    def binds(self, transports: Collection[str]) -> Mapping[str, str]:
        """Where each of these transports listens; one that is not there is left out.

        Asked as AMI `Getvar` of `AST_SORCERY(res_pjsip,transport,NAME,bind)`: there is no action
        that lists transports. It gives what Asterisk goes on with, and not what the file says.
        """

    def generation(self) -> str | None:
        """The one extension of the context `siptrunk-generation` (AMI `ShowDialPlan`).

        None where the context is not there.
        """
