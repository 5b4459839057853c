"""GoldenMatch 3.22 with the probabilistic configuration that it derives from the data: also nothing set up."""

from benchmarks.peers.goldenmatch import dedupe

if __name__ == "__main__":
    dedupe(probabilistic=True)
