"""The PBXs that customers may use."""

from asterisk_siptrunk.web.pages import Pages

PAGES = Pages()
