"""Channels: a quote, an order, and what was ordered before."""

from asterisk_siptrunk.web.pages import Pages

PAGES = Pages()
