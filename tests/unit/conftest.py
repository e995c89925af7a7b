"""Settings of hypothesis for all that it drives."""

from hypothesis import settings

# No deadline: an example that meets a kernel for the first time waits for its compilation.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
