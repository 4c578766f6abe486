"""Offers, orders, invoices and billing runs."""

from asterisk_siptrunk.web.pages import Pages

PAGES = Pages()
