"""The command `siptrunk`: one module per noun, imported when it is used."""

from asterisk_siptrunk.cli.root import root as main

__all__ = ["main"]
