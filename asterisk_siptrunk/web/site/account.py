"""One's own account: password, second factor, language, sessions."""

from asterisk_siptrunk.web.pages import Pages

PAGES = Pages()
