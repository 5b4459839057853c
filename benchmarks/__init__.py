"""The engine beside its peers: each in a process and an environment of its own, on data that nobody here made."""
