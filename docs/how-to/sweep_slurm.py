"""A sweep whose cells are jobs of Slurm: `python sweep_slurm.py` on a login node, in a session that lasts (tmux).

Change QUEUE and the settings below to those of your site. Repeat it after any interruption: what is done is kept.
"""

import apical
from dask_jobqueue import SLURMCluster

QUEUE = "short"
JOBS = 32

# one cell at a time in a job: as many cores as `threads` below
SETTINGS = {
    "queue": QUEUE,
    "cores": 1,
    "processes": 1,
    "memory": "4GiB",
    "walltime": "02:00:00",
    # the same environment, and the folder of the sweep at the same path, on every node
    "job_script_prologue": ["source $HOME/apical/bin/activate", "export OMP_NUM_THREADS=1"],
    # a worker ends before its job does, and its cell goes on in another from the last checkpoint
    "worker_extra_args": ["--lifetime", "110m", "--lifetime-stagger", "5m"],
    "log_directory": "slurm-logs",
}

if __name__ == "__main__":
    with SLURMCluster(**SETTINGS) as cluster:
        cluster.adapt(minimum_jobs=1, maximum_jobs=JOBS)
        print(apical.sweep("rates.yaml", "runs/rates", scheduler=cluster.scheduler_address))
