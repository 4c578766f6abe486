"""The queue of findings, and what is suspended."""

from asterisk_siptrunk.web.pages import Pages

PAGES = Pages()
