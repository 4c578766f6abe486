"""A laboratory of real parts: Asterisk, SIPp and PostgreSQL, on loopback, gone when done."""
