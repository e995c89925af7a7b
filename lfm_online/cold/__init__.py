"""What a model makes of users and items that it hardly knows, and what helps it to know them sooner."""
