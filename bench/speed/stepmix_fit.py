# Fits one StepMix model to a CSV file, with other seeds from fit to fit, and prints what bench/speed/measure.R would:
# a line of JSON.
# usage: python stepmix_fit.py model.json data.csv
import json
import resource
import sys
import time
import warnings

warnings.filterwarnings("ignore")
import pandas  # noqa: E402
import stepmix  # noqa: E402
from stepmix.stepmix import StepMix  # noqa: E402


def memory(field):
    try:
        with open("/proc/self/status") as status:
            for line in status:
                if line.startswith(field + ":"):
                    return int(line.split()[1]) / 1024
    except OSError:
        pass
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def new_model(model, seed):
    more = {"n_steps": 1, "structural": "covariate"} if model["covariates"] else {}
    return StepMix(
        n_components=model["classes"], measurement=model["measurement"], n_init=model["starts"],
        abs_tol=1e-10, max_iter=1000, random_state=seed, verbose=0, progress_bar=0, **more,
    )


model = json.load(open(sys.argv[1]))
data = pandas.read_csv(sys.argv[2])
items = data[model["items"]]
covariates = data[model["covariates"]] if model["covariates"] else None
given = (items,) if covariates is None else (items, covariates)
before = memory("VmRSS")
new_model(model, 1).fit(*given)  # warm
walls, cpus, reached, steps = [], [], [], []
while len(walls) < 5 and (len(walls) == 0 or sum(walls) < 10):
    fitted = new_model(model, len(walls) + 1)
    wall, cpu = time.perf_counter(), time.process_time()
    fitted.fit(*given)
    walls.append(time.perf_counter() - wall)
    cpus.append(time.process_time() - cpu)
    reached.append(float(fitted.score(*given)) * len(data))
    steps.append(int(fitted.n_iter_))
walls, cpus, steps = sorted(walls), sorted(cpus), sorted(steps)
print(json.dumps({
    "status": "ok", "version": getattr(stepmix, "__version__", ""),
    "log_likelihood": min(reached), "parameters": int(fitted.n_parameters),
    "iterations": steps[len(steps) // 2], "wall": walls[len(walls) // 2], "cpu": cpus[len(cpus) // 2],
    "peak_mb": memory("VmHWM"), "added_mb": memory("VmHWM") - before,
}))
