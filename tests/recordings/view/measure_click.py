"""From a click on the map to the drawn trace, in milliseconds, in headless Chromium.

`python tests/recordings/view/measure_click.py RUN [CLICKS [QUERY]]` prints one JSON object; `docs/results/view.md` has what it found.
"""

import json
import random
import statistics
import sys
import time
from pathlib import Path
from urllib.parse import parse_qs

sys.path.insert(0, str(Path(__file__).parent))

from apical.recordings.view import View, read_link
from apical.recordings.view.catalogue import Catalogue
from apical.recordings.view.unit_map import mosaic
from chromium import Chromium
from looking import DOCUMENT, column, idle, place

# the clock starts in the browser with the click, and stops after the frame in which the new trace was painted
CLOCK = f"""
window.addEventListener('pointerdown', () => {{ window.begun = performance.now(); window.drawn = null }}, true);
{DOCUMENT}.get_model_by_name('dots-0').properties.data.change.connect(() =>
  requestAnimationFrame(() => requestAnimationFrame(() => {{ window.drawn = performance.now() - window.begun }})));
"""


def main(run, clicks, query):
    """Open the page of a run and click units all over its map."""
    draw = random.Random(0)
    begun = time.perf_counter()
    with View([Path(run)]) as view, Chromium(1300, 1000) as chromium:
        chromium.open(f"{view.url}?{query}")
        opened = time.perf_counter() - begun
        chromium.run(CLOCK)
        shown, _ = read_link(parse_qs(query))
        source = Catalogue([Path(run)]).open(Path(run).name, shown.recording)
        units = source.units(shown.population or source.populations[0])
        places = list(zip(*mosaic(units), strict=True))
        found = []
        for x, y in draw.sample(places[1:], min(clicks, len(places) - 1)):  # the first one is shown already
            idle(chromium)
            time.sleep(0.5)  # two clicks in quick succession would be a double one
            chromium.click(*place(chromium, "map-0", x, y))
            found.append(chromium.until("window.drawn"))
        trials = len(column(chromium, "dots-0", "trial"))
    told = {
        "run": run,
        "query": query,
        "units": len(places),
        "trials_in_view": trials,
        "clicks": len(found),
        "opened_seconds": round(opened, 2),
    }
    times = {"median_ms": round(statistics.median(found)), "largest_ms": round(max(found)), "first_ms": round(found[0])}
    sys.stdout.write(json.dumps(told | times) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 20, sys.argv[3] if len(sys.argv) > 3 else "")
