"""Execution options that tell an engine of ours what a transaction is for."""

from __future__ import annotations

#: the transaction may change things
WRITE = "regards_order_write"
#: the engine for statements that are transactions of their own, where that saves something
ALONE = "regards_order_alone"
#: the engine that gives id blocks, where they are not taken in the transaction itself
IDS = "regards_order_ids"
