"""Storm's simulator of dynamic fault trees: traces a second to one time, printed as the last word.

python -m benchmarks.peers.fault_tree_storm MODEL.dft HOURS
"""

import sys
import time

import stormpy.dft


TRACES = 100_000


def main(path: str, until: float) -> float:
    """The best rate of three runs."""
    tree = stormpy.dft.prepare_for_analysis(stormpy.dft.load_dft_galileo_file(path))
    simulator = stormpy.dft.DFTSimulator(tree, seed=5)
    best = 0.0
    for _ in range(3):
        begin = time.perf_counter()
        simulator.simulate_traces(until, TRACES)
        best = max(best, TRACES / (time.perf_counter() - begin))
    return best


if __name__ == "__main__":
    print(main(sys.argv[1], float(sys.argv[2])))
