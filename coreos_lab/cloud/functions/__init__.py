"""Lambda: the API of functions, and the processes that run them."""
