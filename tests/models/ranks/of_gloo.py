"""One of some processes that talk by gloo; prints what it found as JSON. Started by test_processes.py; `apart` asks for the weights alone."""

import json
import sys

import torch
from apical.models.engine import Architecture, build_engine, build_network
from apical.models.errors import LostError
from apical.models.networks.layer import Layer
from apical.models.ranks.processes import begun, first_to_tell, joined
from apical.models.ranks.ranks import ALONE
from apical.plasticity import Backprop, ClappPP, pair

LAYERS = (Layer(conv=5, pool=2, grid=2), Layer(conv=6, grid=1), Layer(dense=7))
RULES = {
    "lateral": ClappPP(),
    "dfb": ClappPP(context="dfb"),
    "both": ClappPP(context="both"),
    "backprop": Backprop(ClappPP(context="both")),
}
ROWS, STEPS = 8, 20


class Watching:
    """Looks at every step as a recorder does, which has an engine tell all that it computes."""

    def __init__(self):
        self.seen = 0.0

    def local(self, population, activity, signals, factors, moves):
        self.seen += float(factors.loss) + sum(float(move.change) for move in moves.values())

    def backprop(self, population, activity, moves):
        self.seen += sum(float(move.change) for move in moves.values())


def trained(rule, ranks, every=STEPS + 1):
    network = build_network(Architecture("layers", (2, 8, 8), layers=LAYERS), rule, seed=0, ranks=ranks)
    network.to(torch.device("cpu"), torch.float64)
    engine = build_engine(network, rule, learning_rate=1e-3, ranks=ranks)
    draws = torch.Generator().manual_seed(1)
    watching = Watching()
    for step in range(STEPS):
        images = torch.randn(ROWS, *network.shape, dtype=torch.float64, generator=draws)
        watched = watching if every <= STEPS and step % every == 0 else None
        engine.step(images[ranks.own(ROWS)], pair(ROWS // 2), watched)
    assert (every > STEPS) == (watching.seen == 0)
    return network


def apart(rule, ranks, every=STEPS + 1):
    """Largest distance of a weight from that of one process, and the bytes that were sent for it."""
    before = dict(ranks.sent)
    one, of_many = trained(rule, ALONE, every), trained(rule, ranks, every)
    shared = of_many.shared()
    most = 0.0
    for name, weight in one.weights().items():
        own = shared[name].own if name in shared else slice(None)
        distances = (weight[own] - of_many.weights()[name]).abs().flatten().tolist()  # of few units some ranks own none
        most = max([most, *distances])
    return most, {what: sent - before.get(what, 0) for what, sent in ranks.sent.items()}


def exchanged(ranks):
    """What the ranks told each other, as lists."""
    rank = ranks.rank
    square, own = torch.arange(20.0).view(4, 5).bfloat16(), ranks.own(4)
    rows = torch.arange(5)[ranks.own(5)][:, None] * torch.tensor([1.0, 10.0])
    kernel = torch.full((2, 3, 2, 2), 1.0 + rank).contiguous(memory_format=torch.channels_last)
    kernel[0, 1] = 7.0
    like = [torch.empty_like(kernel), torch.empty(2)]
    first = ranks.sum([kernel.contiguous(), torch.tensor([1.0, rank])], like, "changes")
    second = ranks.sum([torch.tensor([rank])], [torch.empty(1, dtype=torch.int64)], "changes")
    summed, bias = first()
    return {
        "whole": ranks.whole(rows, 5, "rates").tolist(),
        "half": ranks.whole(rows.bfloat16(), 5, "rates").float().tolist(),
        "none": ranks.whole(torch.ones(1)[ranks.own(1)], 1, "rates").tolist(),
        "sums": [summed[1, 0, 0, 0].item(), summed[0, 1, 1, 1].item(), *bias.tolist(), second()[0].item()],
        "strides": summed.stride() == like[0].stride(),
        "blocks": [block.tolist() for block in ranks.blocks(rows.contiguous(), 5, "stored")],
        "turned": ranks.turned(square[own], 5, "rates").tolist(),
        "returned": torch.equal(ranks.returned(ranks.turned(square[own], 5, "rates"), 5, "drives"), square[own]),
        "agreed": [ranks.agreed(False), ranks.agreed(rank == 1)],
        "told": ranks.told({"word": f"of {rank}"}),
        "begun": begun("/run"),
    }


def main() -> None:
    torch.set_num_threads(1)
    ranks = joined(torch.device("cpu"))
    if sys.argv[1:] == ["apart"]:
        told = {
            f"{word} {every}": apart(rule, ranks, every)[0] for word, rule in RULES.items() for every in (3, STEPS + 1)
        }
        sys.stdout.write(json.dumps(told) + "\n")
        ranks.barrier()
        return
    found = {"exchanged": exchanged(ranks), "apart": {word: apart(rule, ranks) for word, rule in RULES.items()}}
    found["first"] = first_to_tell()
    if ranks.rank == 0:
        sys.stdout.write(json.dumps(found) + "\n")
        sys.stdout.flush()
        ranks.barrier()
        return
    sys.stdout.write(json.dumps(found) + "\n")
    ranks.barrier()
    try:  # the other one is gone by now, or soon
        while True:
            ranks.barrier()
    except LostError as error:
        sys.stdout.write(str(error) + "\n")


if __name__ == "__main__":
    main()
