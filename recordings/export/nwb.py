"""Neurodata Without Borders 2, through pynwb: model neurons in the tables that programs know from electrodes.

What of a recording stands where:

    electrodes            a row for each recorded neuron: location is its population, `unit_id`, `channel`, `row` and `col` its place; no electrode was there
    units                 of a replay with spiking neurons alone: the same neurons with their spikes; a neuron that has a rate has none
    trials                a row for each trial: phase, stimuli, label, training step and every other coordinate of it
    acquisition           `POPULATION_SIGNAL`, a TimeSeries (trial, unit) or (trial) for each signal, in the units that the recording names
    stimulus              images, where the recording holds them

A trial of a rate network has no duration. Trial k lies from k to k + 1 s, so that a program that asks for times finds the order of the rows and nothing else:
trials of one training step are rows of a batch, not glances in a row. Of a replay with spiking neurons times are real within a trial; its windows stand one after
another. There `spike_times` and `obs_intervals` are in units, potentials are TimeSeries (time, unit) in volts. A neuron's spikes of all windows are
held in memory, all else goes through block by block. Weights, eligibilities and spikes of sources are in the other formats.

No species is claimed: NWB wants one, and gets NCBI's word for what is no organism (synthetic construct), sex `O` and an age of zero or more. `nwbinspector` finds no error;
it suggests keywords, with which neo does not open a file, and experimenter and institution, which a recording does not know. Its test for turned axes takes a signal with more units than trials for a turned one.
"""

import datetime
import json
import uuid
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from pynwb import NWBHDF5IO, NWBFile
from pynwb.file import Subject

from ..errors import RecordingError
from .content import Content
from .nwb_replay import add_replay
from .nwb_tables import add_neurons, add_trials, series

PACKAGE = "apical"
NO_ORGANISM = "http://purl.obolibrary.org/obo/NCBITaxon_32630"  # synthetic construct


def write(content: Content, path: Path) -> None:
    """Write one session.

    Raises:
        RecordingError: the recording holds no trials of units.
    """
    file = _session(content)
    if content.replay:
        add_replay(file, content)
    elif content.populations:
        _activity(file, content)
    else:
        raise RecordingError(
            f"export.format: expected trials of units for nwb, got {', '.join(content.tables)}; choose netcdf, csv or npz"
        )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*does not end in '.nwb'")  # it will, once it is whole
        with NWBHDF5IO(str(path), "w") as stream:
            stream.write(file, cache_spec=True)


def _session(content: Content) -> NWBFile:
    told = content.attributes
    versions = {str(name): str(value) for name, value in (told.get("versions") or {}).items()}
    begun = datetime.datetime.fromisoformat(str(told.get("created", "1970-01-01T00:00:00+00:00")))
    what = f"replay {content.replay} with spiking neurons" if content.replay else f"recording {content.recording}"
    config: Mapping[str, Any] = told.get("config") or {}
    file = NWBFile(
        session_description=f"Simulated network of two-compartment neurons {content.run}: {what}. No animal, no electrode.",
        identifier=str(uuid.uuid4()),
        session_start_time=begun if begun.tzinfo else begun.replace(tzinfo=datetime.UTC),
        session_id=f"{content.run}-{content.name}".replace("/", "-"),
        experiment_description=f"Simulated with {PACKAGE} {versions.get(PACKAGE, '')}: {told.get('command', 'unknown command')}",
        source_script=json.dumps(config, default=str) or None,
        source_script_file_name="config of the run",  # no keywords: neo 0.14 does not open a file that has some
    )
    file.subject = Subject(
        subject_id=content.run.replace("/", "-"),
        species=NO_ORGANISM,
        sex="O",
        age="P0D/",
        description="A simulated neural network, no animal; species is the taxonomy's word for what is no organism, sex and age stand for none. "
        + ", ".join(f"{name} {config[name]}" for name in ("name", "seed") if name in config),
    )
    return file


def _activity(file: NWBFile, content: Content) -> None:
    populations = content.populations
    regions = add_neurons(file, {name: _places(table) for name, table in populations.items()})
    longest = max(populations.values(), key=lambda table: int(table.sizes.get("trial", 0)))
    add_trials(file, longest, 1.0, "Trial k from k to k + 1 s: the order of the rows of the recording, no duration.")
    for population, table in populations.items():
        for name, variable in table.data_vars.items():
            if variable.dims in (("trial",), ("trial", "unit")):
                of = f"{variable.attrs.get('long_name', name)} of {population}"
                series(
                    file, f"{population}_{name}", variable, f"{of}, one value for each trial", 1.0, regions[population]
                )
    if "stimuli" in content.tables and "image" in content.tables["stimuli"]:
        _images(file, content.tables["stimuli"])


def _places(table: xr.Dataset) -> dict[str, NDArray[Any]]:
    return {str(name): np.asarray(each) for name, each in table.coords.items() if each.dims == ("unit",)}


def _images(file: NWBFile, table: xr.Dataset) -> None:
    from pynwb.image import ImageSeries

    from .nwb_tables import streamed

    image = table["image"]
    if image.ndim != 4:
        return
    order = [f"{name} {dict(zip(('first', 'last'), np.asarray(each)[[0, -1]].tolist(), strict=True))}" for name, each in table.coords.items() if each.ndim == 1 and each.size]  # fmt: skip
    file.add_stimulus(
        ImageSeries(
            name="stimuli", data=streamed(image), unit="n.a.", format="raw", rate=1.0, starting_time=0.0,
            description="shown images (stimulus, channel, y, x) in the order of the table stimuli, not of the trials: " + ", ".join(order),
        )
    )  # fmt: skip
