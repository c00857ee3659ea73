"""Pictures larger than memory: losses by strips, optimisers by pieces, and the plan of both."""
