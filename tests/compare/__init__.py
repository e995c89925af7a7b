"""Tests that run the real peers: ``make test-compare``."""
