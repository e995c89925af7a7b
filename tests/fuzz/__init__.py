"""Any bytes in, wherever bytes come in: an answer or a refusal, never another exception."""
