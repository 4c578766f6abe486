"""Every error of ours.

::

    SiptrunkError                   a sentence for a person: what, what is wrong, what to do
    ├── InvalidInput                a value that someone gave cannot be used
    │   └── SettingsError           the value stands in siptrunk.toml or in the environment
    ├── NotFound                    no such customer, trunk, number, carrier, rule or call
    ├── AlreadyExists               the name or number is taken
    ├── TooBusy                     asked too often, or by too many at once: again in a moment
    ├── DatabaseUnavailable         the usage database cannot be reached, or is locked
    ├── JournalUnreadable           Asterisk's call journal is not there, or not whole
    ├── DeliveryFailed              a notice did not arrive
    ├── ProtocolError               a peer broke the rules of AGI
    ├── AmiError                    Asterisk's manager interface
    │   ├── AmiUnavailable          not reachable, or silent
    │   └── AmiRefused              reachable, and it said no
    └── ConfigurationError          Asterisk's configuration
        ├── TemplateFailed          a template could not be rendered
        ├── CheckFailed             the rendered files are not right; nothing was changed
        └── ApplyFailed             Asterisk did not take them; the files before are back in place
            └── ApplyBusy           somebody else is applying, or just has

A message names the thing, says what is wrong with it and what to do; it never holds a secret.
A refused call is no error: it is a value, `asterisk_siptrunk.call.Refuse`.
"""


class SiptrunkError(Exception):
    """Base of all our errors; `str()` of it is fit to be shown to a user."""


class InvalidInput(SiptrunkError):
    """A value that a person, a file or a peer gave cannot be used."""


class SettingsError(InvalidInput):
    """A value of siptrunk.toml or of a SIPTRUNK_* variable cannot be used."""


class NotFound(SiptrunkError):
    """What was named does not exist."""


class AlreadyExists(SiptrunkError):
    """The name or number is taken already."""


class TooBusy(SiptrunkError):
    """Asked too often, or by too many at once; after `seconds` it may be asked again."""

    def __init__(self, sentence: str, seconds: int) -> None:
        super().__init__(sentence)
        self.seconds = seconds


class DatabaseUnavailable(SiptrunkError):
    """The database cannot be reached, is locked, or is not set up."""


class JournalUnreadable(SiptrunkError):
    """Asterisk's call journal is not there, cannot be read, or changed its files meanwhile."""


class DeliveryFailed(SiptrunkError):
    """A notice did not arrive where it was to go."""


class ProtocolError(SiptrunkError):
    """A peer broke the rules of AGI; its session is over."""


class AmiError(SiptrunkError):
    """Something is wrong between us and Asterisk's manager interface."""


class AmiUnavailable(AmiError):
    """The manager interface cannot be reached, or has gone silent."""


class AmiRefused(AmiError):
    """The manager interface answered, and its answer was no."""


class ConfigurationError(SiptrunkError):
    """Asterisk's configuration cannot be made, or is not what runs."""


class TemplateFailed(ConfigurationError):
    """A template could not be rendered."""


class CheckFailed(ConfigurationError):
    """The rendered files are not right; nothing of the server was changed."""


class ApplyFailed(ConfigurationError):
    """Asterisk did not take the files; those from before are back in place."""


class ApplyBusy(ApplyFailed):
    """Somebody else is applying, or just has; nothing was changed."""
