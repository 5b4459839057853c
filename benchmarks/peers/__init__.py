"""One runner per engine, all with the contract of `benchmarks.peers.contract`."""
