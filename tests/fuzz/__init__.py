"""Hostile input: each module has a `check` that takes any bytes and holds one promise to them."""
