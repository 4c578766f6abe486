"""Connecting a PBX: credentials, ready settings, registration, and a test that watches."""

from asterisk_siptrunk.web.pages import Pages

PAGES = Pages()
