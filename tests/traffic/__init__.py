"""Traffic of a provider that never was: ordinary customers, and the frauds done to them."""
