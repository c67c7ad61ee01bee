"""The worked examples for Slurm and Kubernetes, as far as they can be followed without one."""

import runpy
from pathlib import Path

import pytest
import yaml
from apical.protocols.command.main import main
from apical.protocols.sweep.spec import load
from click.testing import CliRunner

HOW_TO = Path(__file__).resolve().parents[3] / "docs" / "how-to"


def test_the_job_of_slurm_is_one_worker_with_one_cell_at_a_time(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # it makes the folder of its logs
    jobqueue = pytest.importorskip("dask_jobqueue")
    settings = runpy.run_path(str(HOW_TO / "sweep_slurm.py"), run_name="example")["SETTINGS"]
    job = jobqueue.slurm.SLURMJob("tcp://127.0.0.1:8786", name="cell", **settings)
    script = job.job_script()
    for words in (
        "#SBATCH -p short",
        "#SBATCH --cpus-per-task=1",
        "#SBATCH -t 02:00:00",
        "source $HOME/apical/bin/activate",
        "OMP_NUM_THREADS=1",
    ):
        assert words in script
    for words in ("tcp://127.0.0.1:8786", "--nthreads 1", "--lifetime 110m", "--memory-limit 4.00GiB"):
        assert words in script.splitlines()[-1]


def parts():
    return {part["kind"]: part for part in yaml.safe_load_all((HOW_TO / "sweep-kubernetes.yaml").read_text())}


def test_the_parts_of_kubernetes_fit_each_other():
    found = parts()
    assert set(found) == {"PersistentVolumeClaim", "ConfigMap", "DaskCluster", "Job"}
    cluster, job = found["DaskCluster"]["spec"], found["Job"]["spec"]["template"]["spec"]
    pods = {"worker": cluster["worker"]["spec"], "scheduler": cluster["scheduler"]["spec"], "client": job}
    (images,) = {tuple(container["image"] for container in pod["containers"]) for pod in pods.values()}
    assert len(images) == 1
    claim = found["PersistentVolumeClaim"]
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    for pod in (pods["worker"], job):  # whoever writes and whoever reads sees one folder at one path
        mounts = {mount["name"]: mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        assert mounts["sweeps"] == "/sweeps"
        assert set(mounts) == set(volumes)
        assert volumes["sweeps"]["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    args = pods["worker"]["containers"][0]["args"]
    assert args[args.index("--nthreads") + 1] == args[args.index("--nworkers") + 1] == "1"
    for container in (pods["scheduler"]["containers"][0],):
        assert {port["name"] for port in container["ports"]} == {
            p["targetPort"] for p in cluster["scheduler"]["service"]["ports"]
        }
    assert job["restartPolicy"] == "OnFailure"


def test_the_client_of_kubernetes_is_a_command_that_apical_understands(tmp_path):
    found = parts()
    config = found["ConfigMap"]
    (name,) = config["data"]
    volumes = {volume["name"]: volume for volume in found["Job"]["spec"]["template"]["spec"]["volumes"]}
    assert volumes["spec"]["configMap"]["name"] == config["metadata"]["name"]
    assert len(load(yaml.safe_load(config["data"][name])).cells()) == 18
    (tmp_path / name).write_text(config["data"][name])
    called, sweep, spec, *options = found["Job"]["spec"]["template"]["spec"]["containers"][0]["command"]
    assert (called, sweep, spec) == ("apical", "sweep", f"/spec/{name}")
    address = options[options.index("--scheduler") + 1]
    assert address == f"tcp://{found['DaskCluster']['metadata']['name']}-scheduler:8786"
    there = [str(tmp_path / "out") if option == "/sweeps/rates" else option for option in options]
    result = CliRunner().invoke(main, [sweep, str(tmp_path / name), *there, "--dry-run"])
    assert result.exit_code == 0, result.output
    assert "18 cells: 18 waiting" in result.stdout


def test_the_sweep_of_the_page_is_one(tmp_path):
    text = (HOW_TO / "sweep-slurm.md").read_text()
    block = text.partition("```yaml\n")[2].partition("```")[0]
    lines = [line.removeprefix("   ") for line in block.splitlines()]
    assert len(load(yaml.safe_load("\n".join(lines))).cells()) == 18
