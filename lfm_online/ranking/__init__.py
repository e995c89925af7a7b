"""The ranking head: which item a user takes next, learned beside the rating rule from the same events."""
