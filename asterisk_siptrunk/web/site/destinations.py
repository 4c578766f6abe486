"""Destinations: what is open, what is blocked and why, and what a number would meet."""

from asterisk_siptrunk.web.pages import Pages

PAGES = Pages()
