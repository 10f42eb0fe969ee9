"""Simulated boards and the runners: one protocol, three places where a build can run."""
