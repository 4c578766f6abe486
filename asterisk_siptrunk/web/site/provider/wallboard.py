"""All servers, trunks and carriers at a glance."""

from asterisk_siptrunk.web.pages import Pages

PAGES = Pages()
