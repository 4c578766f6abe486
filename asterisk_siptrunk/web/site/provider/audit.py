"""Who changed what, and when."""

from asterisk_siptrunk.web.pages import Pages

PAGES = Pages()
