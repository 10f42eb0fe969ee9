"""The passes: every decision that rewrites the graph, one file each."""
