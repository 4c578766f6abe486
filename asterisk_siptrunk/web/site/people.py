"""Who else may log in, and the tokens of programs."""

from asterisk_siptrunk.web.pages import Pages

PAGES = Pages()
