"""Where bytes come from: files below storage roots, and external references."""
