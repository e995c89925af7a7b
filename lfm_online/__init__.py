"""A latent factor model of ratings that learns while the ratings stream in, and its store.

Knows no Kafka and no HTTP server; the service around it is the package ``worker``.
"""
