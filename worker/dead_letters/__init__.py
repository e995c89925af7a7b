"""Events that can't be learned: what is kept of them, and how they reach their topic."""
