"""Made-up files in the layouts of official ones."""

from dataclasses import replace

from apical.protocols.stimuli.datasets import files
from apical.protocols.stimuli.datasets.table import DATASETS


def lay_out(root, monkeypatch, name, layout, contents):
    """Write small contents, {file: bytes}, in a layout of a data set and let the table expect their MD5 and size; returns their folder."""
    folder = root / layout.folders[0]
    folder.mkdir(parents=True)
    for file, data in contents.items():
        (folder / file).write_bytes(data)
    known = replace(
        layout,
        md5={file: files.md5_of(data) for file, data in contents.items()},
        size={file: len(contents[file]) for file in layout.size},
    )
    row = DATASETS[name]
    every = tuple(known if item is layout else item for item in row.layouts)
    monkeypatch.setitem(DATASETS, name, replace(row, layouts=every))
    return folder
