"""Servers: their health, and the configuration planned, applied and rolled back."""

from asterisk_siptrunk.web.pages import Pages

PAGES = Pages()
