"""Invoices, and how each of their lines came about."""

from asterisk_siptrunk.web.pages import Pages

PAGES = Pages()
