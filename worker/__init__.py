"""The service around ``lfm_online``: ratings in from Kafka, rows into the store, lookups over HTTP."""
