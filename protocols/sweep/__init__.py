"""`apical sweep`: one run per point of a grid, a list or random draws of settings and seed, on one machine or a cluster.

spec       what a file says; a `Plan` of it
axes       grids, lists, draws and entries as values of settings
plan       cells: settings and identity of every run
manifest   sweep.json: the plan with a hash per cell, extended and never changed
folder     where what of a sweep lies
cell       the work itself, in a worker; remote: in a worker of dask
workers    in this process, on a cluster of this machine, or on any scheduler
run, dry   who does what is left, or would
results    over the axes; summary, figures, page and section show them
"""
