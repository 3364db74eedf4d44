"""Tell people by mail (docs/notifications.md)."""
