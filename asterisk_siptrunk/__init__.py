"""Turns Asterisk into a SIP trunk service."""
