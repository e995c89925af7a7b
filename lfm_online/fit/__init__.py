"""A model from a file of ratings: in memory (``train``), frozen (``frozen``), into a store (``into_store``)."""
