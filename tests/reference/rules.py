"""Values of the rules' published equations, in float64, without Apical: what tests/plasticity/test_published.py compares its changes with.

    python tests/reference/rules.py        writes rules.npz beside it

Every function writes one loss down as its authors' code computes it (README.md names repository and commit) and takes its gradient by autograd;
of rules without a loss it writes the update down. Inputs are drawn here and stored with the values.
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

OBJECTS, INPUTS, UNITS, CANDIDATES = 4, 6, 5, 3
Found = dict[str, Tensor]
draws = np.random.default_rng(15)


def normal(*shape: int, scale: float = 1.0) -> Tensor:
    return torch.from_numpy(draws.standard_normal(shape) * scale)


def layer(inputs: int = INPUTS, units: int = UNITS) -> tuple[Tensor, Tensor]:
    return normal(units, inputs, scale=inputs**-0.5), normal(units, scale=0.3)


def gradients(loss: Tensor, leaves: Found) -> Found:
    found = torch.autograd.grad(loss, list(leaves.values()))
    return {f"d_{name}": value for name, value in zip(leaves, found, strict=True)} | {"loss": loss.detach()}


def leaf(*tensors: Tensor) -> tuple[Tensor, ...]:
    return tuple(tensor.clone().requires_grad_() for tensor in tensors)


def glances() -> tuple[Tensor, Tensor]:
    """Both glances at every object, and for each row the one that follows it."""
    rows = 2 * OBJECTS
    return normal(rows, INPUTS), (torch.arange(rows) + OBJECTS) % rows


def clapp_loss(rate: Tensor, ahead: Tensor, back: Tensor, follows: Tensor, other: Tensor, stays: Tensor) -> Tensor:
    """Either a positive or a negative per context; the target learns from one matrix, the context from the other."""

    def half(context: Tensor, target: Tensor, matrix: Tensor) -> Tensor:
        positive = (context * (target[follows] @ matrix.T)).sum(1)
        negative = (context * (target[other] @ matrix.T)).sum(1)
        return F.relu(1 - positive)[stays].mean() + F.relu(1 + negative)[~stays].mean()

    return half(rate.detach(), rate, ahead) + half(rate, rate.detach(), back)


def clapp() -> Found:
    (image, follows), (weight, bias) = glances(), layer()
    ahead, back = normal(UNITS, UNITS, scale=0.3), normal(UNITS, UNITS, scale=0.3)
    other = torch.tensor([1, 6, 3, 4, 2, 7, 0, 5])
    stays = torch.tensor([1, 0, 1, 1, 0, 0, 1, 0], dtype=torch.bool)
    W, b, P, R = leaf(weight, bias, ahead, back)
    loss = clapp_loss(F.relu(image @ W.T + b), P, R, follows, other, stays)
    stored = {
        "image": image,
        "weight": weight,
        "bias": bias,
        "ahead": ahead,
        "back": back,
        "other": other,
        "stays": stays,
    }
    return stored | gradients(loss, {"weight": W, "bias": b, "ahead": P, "back": R})


def hinge_cpc() -> Found:
    """The same at the top of two layers, through both of them."""
    (image, follows), (weight, bias), (upper, upper_bias) = glances(), layer(), layer(UNITS, UNITS)
    ahead, back = normal(UNITS, UNITS, scale=0.3), normal(UNITS, UNITS, scale=0.3)
    other = torch.tensor([1, 6, 3, 4, 2, 7, 0, 5])
    stays = torch.tensor([1, 0, 1, 1, 0, 0, 1, 0], dtype=torch.bool)
    W, b, V, v, P, R = leaf(weight, bias, upper, upper_bias, ahead, back)
    rate = F.relu(F.relu(image @ W.T + b) @ V.T + v)
    loss = clapp_loss(rate, P, R, follows, other, stays)
    names = {"weight": W, "bias": b, "upper": V, "upper_bias": v, "ahead": P, "back": R}
    given = {"weight": weight, "bias": bias, "upper": upper, "upper_bias": upper_bias, "ahead": ahead, "back": back}
    return {"image": image, "other": other, "stays": stays} | given | gradients(loss, names)


def candidates() -> Tensor:
    """Glances at other objects for every row, int64 (rows, CANDIDATES)."""
    rows = 2 * OBJECTS
    skip, glance = draws.integers(1, OBJECTS, (rows, CANDIDATES)), draws.integers(0, 2, (rows, CANDIDATES))
    return torch.from_numpy((np.arange(rows)[:, None] % OBJECTS + skip) % OBJECTS + glance * OBJECTS)


def bilinear(contrast: str) -> Found:
    """CLAPP-s (hinge) and Greedy InfoMax (softmax): one matrix, through which context and target both learn."""
    (image, follows), (weight, bias), others = glances(), layer(), candidates()
    matrix = normal(UNITS, UNITS, scale=0.3)
    W, b, P = leaf(weight, bias, matrix)
    rate = F.relu(image @ W.T + b)
    predicted = rate @ P.T
    positive = (rate * predicted[follows]).sum(1)
    negative = torch.einsum("ru,rnu->rn", rate, predicted[others])
    if contrast == "hinge":
        loss = F.relu(1 - positive).mean() + F.relu(1 + negative).mean()
    else:
        chosen = torch.softmax(torch.cat([positive[:, None], negative], 1), 1)[:, 0]
        loss = -torch.log(chosen + 1e-11).mean()
    stored = {"image": image, "weight": weight, "bias": bias, "matrix": matrix, "others": others}
    return stored | gradients(loss, {"weight": W, "bias": b, "matrix": P})


def lpl() -> Found:
    """Pull 1, push 1, decorrelation 10; both views learn."""
    (image, _), (weight, bias) = glances(), layer()
    W, b = leaf(weight, bias)
    first, second = F.relu(image @ W.T + b).chunk(2)
    loss = (first - second).square().mean()
    for view in (first, second):
        centred = view - view.mean(0).detach()
        loss = loss - 0.5 * torch.log(centred.square().sum(0) / (OBJECTS - 1) + 1e-4).mean()
        covariance = centred.T @ centred / (OBJECTS - 1)
        off = covariance.square().sum() - covariance.diagonal().square().sum()
        loss = loss + 10 * 0.5 * off / (UNITS * UNITS - UNITS)
    return {"image": image, "weight": weight, "bias": bias} | gradients(loss, {"weight": W, "bias": b})


class Through(torch.autograd.Function):
    """ReLU whose backward lets everything pass."""

    @staticmethod
    def forward(ctx, potential):
        return potential.clamp(min=0)

    @staticmethod
    def backward(ctx, gradient):
        return gradient.clone()


def forward_forward() -> Found:
    """Two layers; input and rates brought to unit mean square; peer normalisation 0.03 from a running mean of 0.5."""
    image, (weight, bias), (upper, upper_bias) = normal(2 * OBJECTS, INPUTS), layer(), layer(UNITS, UNITS)
    leaves = leaf(weight, bias, upper, upper_bias)
    label = (torch.arange(2 * OBJECTS) < OBJECTS).double()
    loss, pre, means = torch.zeros((), dtype=torch.float64), image, []
    for W, b in (leaves[:2], leaves[2:]):
        pre = pre / (pre.square().mean(1, keepdim=True).sqrt() + 1e-8)
        rate = Through.apply(pre @ W.T + b)
        running = 0.9 * 0.5 + 0.1 * rate[:OBJECTS].mean(0)
        loss = loss + 0.03 * (running.mean() - running).square().mean()
        loss = loss + F.binary_cross_entropy_with_logits(rate.square().sum(1) - rate.shape[1], label)
        means.append(running.detach())
        pre = rate.detach()
    names = ("weight", "bias", "upper", "upper_bias")
    stored = dict(zip(names, (weight, bias, upper, upper_bias), strict=True)) | {"image": image}
    return stored | gradients(loss, dict(zip(names, leaves, strict=True))) | {"running": torch.stack(means)}


def phyll() -> Found:
    """Two layers of GELU, a direction each; theta 4. Positive rows first."""
    image, (weight, bias), (upper, upper_bias) = normal(2 * OBJECTS, INPUTS), layer(), layer(UNITS, UNITS)
    leaves, directions = leaf(weight, bias, upper, upper_bias), normal(2, UNITS)
    loss, pre = torch.zeros((), dtype=torch.float64), image
    for (W, b), direction in zip((leaves[:2], leaves[2:]), directions, strict=True):
        rate = F.gelu(pre @ W.T + b)
        unit = direction / (direction.norm() + 1e-4)
        good = F.cosine_similarity(rate, unit[None], dim=1, eps=1e-6)
        loss = loss + torch.log(1 + torch.exp(-4 * (good[:OBJECTS] - good[OBJECTS:]))).mean()
        pre = rate.detach()
    names = ("weight", "bias", "upper", "upper_bias")
    stored = dict(zip(names, (weight, bias, upper, upper_bias), strict=True))
    stored |= {"image": image, "directions": directions}
    return stored | gradients(loss, dict(zip(names, leaves, strict=True)))


def softhebb() -> Found:
    """One convolution: soft winner Hebbian, losers anti-Hebbian, divided by its largest entry; then one step at the rate of its norms."""
    image, weight = normal(3, 2, 6, 6), normal(4, 2, 3, 3, scale=5 / 18**0.5)
    padded, inverse, rate = F.pad(image, (1,) * 4, mode="reflect"), 0.65, 0.08
    potential = F.conv2d(padded, weight)
    flat = potential.transpose(0, 1).flatten(1)
    active = -torch.softmax(inverse * flat, 0)
    winner = flat.argmax(0)[None]
    active = active.scatter(0, winner, -active.gather(0, winner))
    patches = F.unfold(padded, 3).transpose(0, 1).flatten(1)  # (inputs, rows * places)
    change = active @ patches.T - (active * flat).sum(1)[:, None] * weight.flatten(1)
    change = (change / (change.abs().max() + 1e-30)).view_as(weight)
    norms = weight.flatten(1).norm(dim=1)
    after = weight + (rate * ((norms - 1).abs() + 1e-10).sqrt()).view(-1, 1, 1, 1) * change
    return {"image": image, "weight": weight, "change": change, "after": after}


def standardised(maps: Tensor) -> Tensor:
    centred = maps - maps.mean((1, 2, 3), keepdim=True)
    return centred / (1e-10 + centred.flatten(1).std(1).view(-1, 1, 1, 1))


def scff() -> Found:
    """Two blocks, pairs built in the first and carried on in the second; both standardisations."""
    image, weight, upper = normal(OBJECTS, 3, 8, 8), normal(4, 3, 5, 5, scale=0.2), normal(5, 4, 3, 3, scale=0.3)
    bias, upper_bias = normal(4, scale=0.1), normal(5, scale=0.1)
    leaves = leaf(weight, bias, upper, upper_bias)
    told = standardised(image)
    streams = [torch.cat([told, told], 1), torch.cat([told, told.roll(-1, 0)], 1)]
    loss = torch.zeros((), dtype=torch.float64)
    for (W, b), pair, (high, low, penalty) in zip(
        (leaves[:2], leaves[2:]), (True, False), ((1.0, 2.0, 0.05), (0.4, 0.8, 0.02)), strict=True
    ):
        rim, potentials = W.shape[-1] // 2, []
        for stream in streams:
            seen = standardised(F.pad(stream, (rim,) * 4, mode="reflect"))
            halves = seen.chunk(2, 1) if pair else (seen,)
            potentials.append(sum(F.conv2d(half, W, b) for half in halves))
        good, bad = (potential.relu().square().mean(1) for potential in potentials)
        loss = loss + torch.log(1 + torch.exp(high - good)).mean() + torch.log(1 + torch.exp(bad - low)).mean()
        loss = loss + penalty * good.flatten(1).norm(dim=1).mean()
        rates = [F.relu(p - p.mean(1, keepdim=True)) for p in potentials]
        streams = [F.max_pool2d(rate, 4, 2, 1).detach() for rate in rates]
    names = ("weight", "bias", "upper", "upper_bias")
    stored = dict(zip(names, (weight, bias, upper, upper_bias), strict=True)) | {"image": image}
    return stored | gradients(loss, dict(zip(names, leaves, strict=True)))


def feedback() -> Found:
    """Cross-entropy, its error carried down by fixed matrices: direct (DFA) and layer by layer (FA)."""
    image, (weight, bias), (upper, upper_bias) = normal(OBJECTS, INPUTS), layer(), layer(UNITS, UNITS)
    head, label = normal(3, UNITS, scale=0.4), torch.tensor([0, 2, 1, 1])
    direct, direct_upper, above, down = (normal(*s) for s in ((UNITS, 3), (UNITS, 3), (UNITS, UNITS), (3, UNITS)))
    low = image @ weight.T + bias
    top = low.relu() @ upper.T + upper_bias
    output = top.relu() @ head.T
    error = (torch.softmax(output, 1) - F.one_hot(label, 3)) / OBJECTS
    found = {"image": image, "weight": weight, "bias": bias, "upper": upper, "upper_bias": upper_bias, "head": head}
    found |= {"label": label, "direct": direct, "direct_upper": direct_upper, "above": above, "down": down}
    found |= {"loss": F.cross_entropy(output, label), "d_head": error.T @ top.relu()}
    for kind in ("dfa", "fa"):
        at_top = (error @ (direct_upper.T if kind == "dfa" else down)) * (top > 0)
        below = (error @ direct.T if kind == "dfa" else at_top @ above) * (low > 0)
        found |= {f"{kind}_weight": below.T @ image, f"{kind}_bias": below.sum(0)}
        found |= {f"{kind}_upper": at_top.T @ low.relu(), f"{kind}_upper_bias": at_top.sum(0)}
    return found


def objectives() -> Found:
    """Barlow Twins (0.0051, scale 0.024), VICReg (25, 25, 1) and SimCLR (temperature 0.5) of two views."""
    rows, features = 6, 5
    views = normal(rows, features), normal(rows, features)
    found = {"first": views[0], "second": views[1]}

    def take(name: str, loss: Tensor, leaves: tuple[Tensor, ...]) -> None:
        nonlocal found
        first, second = torch.autograd.grad(loss, leaves)
        found |= {f"{name}_loss": loss.detach(), f"{name}_first": first, f"{name}_second": second}

    one, two = leaf(*views)
    cross = F.batch_norm(one, None, None, training=True).T @ F.batch_norm(two, None, None, training=True) / rows
    on = (cross.diagonal() - 1).square().sum()
    take("barlow", 0.024 * (on + 0.0051 * (cross.square().sum() - cross.diagonal().square().sum())), (one, two))
    one, two = leaf(*views)
    loss = 25 * F.mse_loss(one, two)
    spread = covariance = torch.zeros((), dtype=torch.float64)
    for view in (one, two):
        centred = view - view.mean(0)
        spread = spread + F.relu(1 - (centred.var(0) + 1e-4).sqrt()).mean() / 2
        product = centred.T @ centred / (rows - 1)
        covariance = covariance + (product.square().sum() - product.diagonal().square().sum()) / features
    take("vicreg", loss + 25 * spread + covariance, (one, two))
    one, two = leaf(*views)
    both = F.normalize(torch.cat([one, two]), dim=1)
    similar = (both @ both.T / 0.5).masked_fill(torch.eye(2 * rows, dtype=torch.bool), -torch.inf)
    take("simclr", F.cross_entropy(similar, (torch.arange(2 * rows) + rows) % (2 * rows)), (one, two))
    return found


def values() -> Found:
    """Every array by `rule.name`."""
    made = {
        "clapp": clapp(), "hinge-cpc": hinge_cpc(), "clapp-s": bilinear("hinge"), "gim": bilinear("softmax"), "lpl": lpl(),
        "forward-forward": forward_forward(), "phyll": phyll(), "softhebb": softhebb(), "scff": scff(), "feedback": feedback(),
        "objectives": objectives(),
    }  # fmt: skip
    return {f"{rule}.{name}": value for rule, found in made.items() for name, value in found.items()}


if __name__ == "__main__":
    np.savez_compressed(Path(__file__).with_suffix(".npz"), **{name: v.numpy() for name, v in values().items()})
