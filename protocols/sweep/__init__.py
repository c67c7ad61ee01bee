"""`apical sweep`: one run per point of a grid, a list or random draws of settings and seed, on one machine or a cluster.

spec       what a file says; a `Plan` of it
axes       grids, lists, draws and entries as values of settings
plan       cells: settings and identity of every run
manifest   sweep.json: the plan with a hash per cell, extended and never changed
folder     where what of a sweep lies
cell       the work itself, in a worker
workers    in this process, on a cluster of this machine, or on any scheduler
run        who does what is left
dataset    results over the axes; table, figures, page and section show them
"""
