"""Abnormal use: what is seen of calls, judged as it happens by rules that explain themselves."""
