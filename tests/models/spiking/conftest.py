import sys
from pathlib import Path

# the small circuits are imported by several test files
sys.path.insert(0, str(Path(__file__).parent))

import pytest
from apical.models import Network
from apical.models.spiking import Circuit, extract
from apical.plasticity import pair
from circuits import OBJECTS, RULE, glances, trained


@pytest.fixture(scope="session")
def network() -> Network:
    return trained()


@pytest.fixture(scope="session")
def circuit(network: Network) -> Circuit:
    """Twelve neurons of the top population, 24 trials."""
    return extract(network, glances(), pair(OBJECTS), RULE, population="conv3")
