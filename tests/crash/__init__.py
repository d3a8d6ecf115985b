"""The product in a process of its own that ends by ``os._exit`` at a chosen I/O; everything else outlives it."""
