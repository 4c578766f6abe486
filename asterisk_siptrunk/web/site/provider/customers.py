"""Customers and their trunks."""

from asterisk_siptrunk.web.pages import Pages

PAGES = Pages()
