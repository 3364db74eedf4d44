"""Background work: loops that ask the core for it, and leases that last as long as it takes."""
