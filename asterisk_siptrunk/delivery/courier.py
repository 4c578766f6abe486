"""Takes a notice by its way."""

from collections.abc import Callable
from datetime import datetime

from asterisk_siptrunk.delivery import mail, webhook
from asterisk_siptrunk.notice.model import Notice, Way
from asterisk_siptrunk.notice.words import body
from asterisk_siptrunk.settings import Settings


class Courier:
    """Delivers by the settings as they stood when it was made."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._clock = clock

    def carry(self, notice: Notice) -> None:
        """Take a notice to its target; blocks until it has arrived there.

        Raises:
            DeliveryFailed: it has not, and why.
            SettingsError: this account may not read the secrets.
        """
        settings, now = self._settings, self._clock()
        match notice.target.way:
            case Way.MAIL:
                message = mail.written(settings.mail, notice, settings.provider.name, now)
                to = notice.target.address
                mail.send(settings.mail, settings.secrets.mail_password, message, to)
            case Way.WEBHOOK:
                secret = settings.secrets.webhook_secret
                webhook.post(settings.webhook.url, secret, body(notice), int(now.timestamp()))
