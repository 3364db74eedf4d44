"""How ordered files leave: archives."""
