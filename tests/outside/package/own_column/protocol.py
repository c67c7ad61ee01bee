"""What the protocol beside this file measures."""


def basal_length(subject) -> dict[str, float]:
    """Length of the basal weights of every population."""
    return {population.name: float(population.weight.norm()) for population in subject.network.populations}
