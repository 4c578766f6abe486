"""The ways that a provider has set up."""

from asterisk_siptrunk.notice.model import Ways
from asterisk_siptrunk.settings import Settings


def ways_of(settings: Settings) -> Ways:
    """By which ways customers are told, and the provider's own systems."""
    return Ways(mail=bool(settings.mail.host), webhook=bool(settings.webhook.url))
