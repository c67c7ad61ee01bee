"""When a step is recorded, and what of its neuromodulators is."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ...plasticity import Pairing, Phase


@dataclass(frozen=True, slots=True)
class Moment:
    """When and what: everything about a step that the signals themselves do not say.

    Attributes:
        step, epoch: position in training.
        samples: objects seen, this step included.
        learning_rate: of the optimiser.
        stimulus_id: of every row, int64 (rows,), on the CPU.
        label: of every row, int64 (rows,).
        pairing: who follows whom, on the CPU; None where no rows are compared.
        views: parameters of the view of every row by name, (rows,); empty where they are not recorded.
    """

    step: int
    epoch: float
    samples: int
    learning_rate: float
    stimulus_id: Tensor
    label: Tensor
    pairing: Pairing | None
    views: Mapping[str, Tensor] = field(default_factory=dict)


def modulation(phase: Phase, pairing: Pairing | None) -> tuple[Tensor, Tensor]:
    """Neuromodulator and score of every row, (rows, 2): at its fixation and at its saccade."""
    gamma = torch.stack([phase.gamma_fixation, phase.gamma_saccade], 1)
    if pairing is not None:
        gamma = gamma * torch.stack([pairing.fixation_weight > 0, pairing.saccade_weight > 0], 1)
    return gamma, torch.stack([phase.score_fixation, phase.score_saccade], 1)
