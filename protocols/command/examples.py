"""How `--help` is laid out: the commands in sections, and an example below each."""

from collections.abc import Mapping

SECTIONS: Mapping[str, tuple[str, ...]] = {
    "Make a run": ("demo", "train"),
    "Look at a run": ("probe", "inspect", "view", "analyse", "align", "verify", "export"),
    "Experiment on a run": ("record", "lesion", "replay"),
    "Spikes alone": ("spike",),
    "Compare and check": ("sweep", "compare", "theory", "cells", "bench"),
    "Your own": ("new",),
    "Settings and data": ("config", "data"),
}

EXAMPLES: Mapping[str, str] = {
    "apical demo": "apical demo --seed 1",
    "apical train": "apical train cifar10-dfb-narrow --set training.epochs=3 --out runs/dfb",
    "apical probe": "apical probe runs/dfb --layers conv1,conv6",
    "apical inspect": "apical inspect runs/dfb",
    "apical analyse": "apical analyse runs/dfb cka --with runs/both",
    "apical view": "apical view runs/dfb runs/lateral --port 5099",
    "apical export": "apical export runs/dfb --format nwb --populations conv1,conv3",
    "apical align": "apical align runs/dfb --last",
    "apical verify": "apical verify runs/dfb",
    "apical record": "apical record runs/dfb gratings --units conv1=all --units conv3=all",
    "apical lesion": "apical lesion runs/dfb --protocol apical_block --seeds 0-2",
    "apical replay": "apical replay runs/dfb --quick",
    "apical spike": "apical spike --seeds 0-2 --controls",
    "apical sweep": "apical sweep rates.yaml --workers 4 --out runs/rates",
    "apical compare": "apical compare --data shapes --budget 3epochs --rules clapp++-dfb,lpl",
    "apical theory": "apical theory --seed 1",
    "apical cells": "apical cells clopath burst-dependent",
    "apical new": "apical new rule my-rule --out code",
    "apical bench device": "apical bench device --device cuda --minutes 9 --out figures",
    "apical bench engine": "apical bench engine --context dfb --width 0.25",
    "apical bench memory": "apical bench memory --case 'VGG-6, 96 px' --precision float32",
    "apical bench recording": "apical bench recording --json",
    "apical bench spikes": "apical bench spikes --neurons 1000 --inputs 1000",
    "apical config list": "apical config list",
    "apical config show": "apical config show cifar10-dfb --set rule.contrast=softplus",
    "apical config schema": "apical config schema --json",
    "apical data list": "apical data list",
    "apical data fetch": "apical data fetch cifar10 --data-dir data",
    "apical data verify": "apical data verify cifar10",
    "apical data prepare": "apical data prepare folder:pictures --image-size 64",
}
