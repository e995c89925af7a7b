"""Faults on real processes, drawn from a seed: `make faults ROUNDS=n`."""
