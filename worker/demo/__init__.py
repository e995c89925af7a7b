"""The demo: an embedded broker and store, and whatever keeps them from outliving it."""
