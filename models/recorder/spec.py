"""What can be recorded while a network learns, by name, and what a recording is asked for; read without torch."""

from dataclasses import dataclass

USUAL = ("basal", "rate", "apical", "score", "neuromodulator")
FACTORS = ("drive", "gate", "eligibility")
VARIABLES = (*USUAL, *FACTORS, "views", "weights")
REDUCTIONS = ("mean", "norm", "sparsity", "histogram")


@dataclass(frozen=True, slots=True)
class RecorderSpec:
    """What is recorded.

    Attributes:
        every: steps between recorded steps.
        rows: rows of the batch followed at such a step; each gives two trials.
        units: neurons per population, drawn with `seed` (all, where a population has fewer).
        chosen: words of `units.py` in their place; empty for none.
        seed: seed of the draw.
        populations: names, or None for all.
        dtype: `float32` or `float16`, of potentials and rates.
        variables: some of `VARIABLES`; empty for potentials, rates, scores and neuromodulators.
        reductions: some of `REDUCTIONS`, over all neurons of a population.
        synapses: of each unit, whose eligibility is recorded where it is asked for.
    """

    every: int = 100
    rows: int = 16
    units: int = 64
    seed: int = 0
    populations: tuple[str, ...] | None = None
    dtype: str = "float32"
    chosen: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    reductions: tuple[str, ...] = ()
    synapses: int = 8

    @property
    def kept(self) -> tuple[str, ...]:
        """Names of the recorded variables."""
        return self.variables or USUAL
