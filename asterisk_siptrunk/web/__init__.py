"""The edge to HTTP: what others tell us, and ask, over the web."""
