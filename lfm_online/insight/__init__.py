"""Reading a model: what its biases and factors say of users and items. Nothing here writes to the store."""
