"""What the watch has seen on a trunk, and what it stopped."""

from asterisk_siptrunk.web.pages import Pages

PAGES = Pages()
