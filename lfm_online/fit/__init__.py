"""A model from ratings that are all there: learned (``train``), asked (``frozen``), stored."""
