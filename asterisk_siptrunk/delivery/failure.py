"""How a delivery that failed is told: in one line, whatever the other side said."""

from asterisk_siptrunk.errors import DeliveryFailed

MOST_LETTERS = 200
"""Of what is kept about a failure, and shown."""


def failure(said: str) -> DeliveryFailed:
    """The error for what was said; what cannot be printed is left out."""
    line = "".join(letter if letter.isprintable() else " " for letter in said)
    return DeliveryFailed(" ".join(line.split())[:MOST_LETTERS])
