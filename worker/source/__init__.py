"""Where rating events come from: one interface, and its implementations."""
