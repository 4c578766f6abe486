"""The provider's own pages."""
