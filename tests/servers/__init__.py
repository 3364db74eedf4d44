"""Real servers for tests and benchmarks: started here, on 127.0.0.1, and stopped by their process id."""
