"""The pages: for customers, and for the provider's people."""
