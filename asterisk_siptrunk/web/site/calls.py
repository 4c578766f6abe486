"""Calls: searched, listed, exported, and each told from INVITE to hangup."""

from asterisk_siptrunk.web.pages import Pages

PAGES = Pages()
