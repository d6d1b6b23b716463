"""Work that is done once and ends: one module a command."""
