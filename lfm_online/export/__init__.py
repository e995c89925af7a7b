"""A model's vectors and predictions as Parquet files, for other tools. The store is only read."""
