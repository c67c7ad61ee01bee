"""Which command records what an analysis lacks."""

GRATINGS = "record gratings with `apical record RUN gratings`"
NOISE = "record noise with its images by `apical record RUN sparse-noise --images`"
LABELS = "record labelled images with `apical record RUN own`"
VIEWS = "record two views of each image with `apical record RUN own --set part=train --set views=true`"
REPEATS = "record two views of each image with `apical record RUN own --set part=train --set views=true`"
TRIALS = "record the activity of units with `apical record RUN own`"
APICAL = "record a network with apical dendrites, such as one of a clapp++ rule with a context"
REPLAY = "make one with `apical replay RUN`"
TRAINING = "train with recording.enabled=true"


def trials(recorded_populations: int) -> str:
    """What is missing where no population has a table of trials."""
    return "" if recorded_populations else f"tables of trials; {TRIALS}"
