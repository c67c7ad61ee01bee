"""What a closed loop is asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...models.spiking.loop import CUTS, Loop
from ..errors import ConfigError, nearest
from ..stimuli.names import row_of

INTACT = "intact"
CROP = (0.5, 1.0)  # share of a photograph
CONTROLS = tuple(word for word in CUTS if word != INTACT)
LEAST = {"copies": 1, "glances": 2, "objects": 2, "image_size": 6, "test_glances": 8, "chosen": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class SpikeSettings:
    """Settings of `spike`.

    Args:
        data: stimulus, grey (intensities) or coloured (on and off contrasts of its luminance).
        image_size: side in pixels.
        objects: that are looked at, familiar ones, evenly from the classes.
        crop: smallest and largest share of a photograph that a glance shows; None for the stimulus' own way of glancing.
        layers: populations from below, `64` or `conv8x5s2`.
        context: `lateral` or `dfb`.
        margin: score at which a glance is met.
        copies: that look side by side and share their weights; 1 looks one glance at a time.
        glances: of every copy.
        seeds: one network, stream and noise for each.
        conditions: `intact` and controls, words of `apical.models.spiking.loop.CUTS`.
        test_glances: pairs of glances that objective and read-out are measured on.
        chosen: neurons of every population whose voltages are recorded.
        start: `random`, or `rates:N` for N glances learnt with rates beforehand.
        loop: times, rates, memory, modulators: fields of `apical.models.spiking.loop.Loop`.

    Raises:
        ConfigError: a number out of range, an unknown condition, or no intact one.
        ModelError: what `Loop` refuses.
    """

    data: str = "mnist"
    image_size: int = 14
    objects: int = 10
    crop: tuple[float, float] | None = CROP
    layers: tuple[str, ...] = ("64", "32")
    context: str = "lateral"
    margin: float = 10.0
    copies: int = 16
    glances: int = 200
    seeds: tuple[int, ...] = (0,)
    conditions: tuple[str, ...] = (INTACT,)
    test_glances: int = 200
    chosen: int = 4
    start: str = "random"
    loop: Loop = field(default_factory=Loop)

    def __post_init__(self) -> None:
        for name, least in LEAST.items():
            if getattr(self, name) < least:
                raise ConfigError(f"spike.{name}: expected at least {least}, got {getattr(self, name)}; raise it")
        if not self.seeds or len(set(self.seeds)) < len(self.seeds) or min(self.seeds) < 0:
            raise ConfigError(
                f"spike.seeds: expected different numbers from 0, got {list(self.seeds)}; for example 0-2"
            )
        for word in self.conditions:
            if word not in CUTS:
                raise ConfigError(
                    f"spike.conditions: expected {', '.join(CUTS)}, got {word!r}{nearest(word, tuple(CUTS))}"
                )
        if INTACT not in self.conditions:
            raise ConfigError("spike.conditions: expected intact among them, got controls alone; add it")
        if self.loop.cut != INTACT:
            raise ConfigError(f"spike.loop: expected an intact one, got cut={self.loop.cut!r}; name it in conditions")
        self.before  # noqa: B018  refused here and not after the images are read

    @property
    def before(self) -> int:
        """Glances learnt with rates before the first spike."""
        if self.start == "random":
            return 0
        word, _, count = self.start.partition(":")
        if word != "rates" or not count.isdigit() or int(count) < 2:
            raise ConfigError(f"spike.start: expected random or rates:N with N from 2, got {self.start!r}; correct it")
        return int(count)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready, all defaults included."""
        found: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__ if name != "loop"}
        return found | {"loop": loop_dict(self.loop)}


def loop_dict(loop: Loop) -> dict[str, Any]:
    """Fields of a loop by name, the neuron's parameters among them."""
    found = {name: getattr(loop, name) for name in loop.__slots__}
    neuron = {name: getattr(loop.neuron, name) for name in loop.neuron.__slots__}
    return {**found, "neuron": neuron}


def crop_of(data: str) -> tuple[float, float] | None:
    """Share of an image that a glance shows, unless the stimulus renders its glances itself."""
    row = row_of(data)
    return None if row is None or row.crops is None else CROP


def loop_from(changes: Mapping[str, Any]) -> Loop:
    """A loop with some fields changed; texts become numbers where the field is one.

    Raises:
        ConfigError: an unknown field.
        ModelError: what `Loop` refuses.
    """
    known = [name for name in Loop.__slots__ if name not in ("neuron", "cut")]
    for name in changes:
        if name not in known:
            raise ConfigError(f"spike.loop: expected one of {', '.join(known)}, got {name!r}{nearest(name, known)}")
    return Loop(**{name: _value(name, value) for name, value in changes.items()})


def _value(name: str, value: Any) -> Any:
    kind = type(getattr(Loop(), name))
    if not isinstance(value, str) or kind is str:
        return value
    try:
        return kind(value)
    except ValueError:
        raise ConfigError(f"spike.loop: expected a number for {name}, got {value!r}; correct it") from None
