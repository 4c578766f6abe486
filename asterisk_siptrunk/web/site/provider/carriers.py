"""Carriers, and how well each one's calls go."""

from asterisk_siptrunk.web.pages import Pages

PAGES = Pages()
