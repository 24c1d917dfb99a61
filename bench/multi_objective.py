#!/usr/bin/env python3
"""Four losses, one trunk: which gradient surgery costs none of them anything?

Trains the generative preset on the emoji with each method, and with what generates and the alignment alone; prints each
loss over the first and the last tenth of the run, held-out recall@10, and whether more seeds stay finite. What generates
is flow matching and a tenth of the likelihood of its colours: 'flow' is flow matching by itself, as training computes
it, of the trained parameters: a copy of the run goes on for forty batches at a learning rate that changes nothing.

    bench/multi_objective.py build/release/triptych /tmp/table
"""
import argparse, json, pathlib, shutil, subprocess, time
from concurrent.futures import ThreadPoolExecutor

TERMS = ("generate", "align", "prior", "balance")
AT_REST = 40  # batches of 'flow'


def all_but(only, scheme):
    there = [t for t in TERMS if t != "balance" or "moe" in scheme]
    return [f"objective.{t}.weight=0" for t in there if t != only]


def call(o, *arguments):
    ended = subprocess.run([str(c) for c in (o.program, *arguments)], capture_output=True, text=True)
    if ended.returncode:
        said = [line for line in ended.stderr.splitlines() if line.startswith("triptych: ") and "warning" not in line]
        raise RuntimeError(said[-1] if said else f"exit {ended.returncode}")
    return ended.stdout


def logged(out):
    return [line for line in map(json.loads, open(out / "metrics.jsonl")) if "terms" in line]


def mean(lines, term):
    return sum(line["terms"][term] for line in lines) / len(lines)


def train(o, name, steps, seed, settings):
    out = pathlib.Path(o.out) / f"{name.replace(' ', '-')}-{seed}"
    always = ["--set", "train.log_every=1", "--set", "train.monitor_every=0"]
    for s in settings:
        always += ["--set", s]
    result = {}
    try:
        start = time.time()
        call(o, "train", "--data", "emoji", "--preset", "generative", "--scheme", o.scheme, "--steps", steps, "--batch",
             o.batch, "--seed", seed, "--threads", 1, "--force", "--out", out, *always, "--set",
             f"train.warmup={max(1, steps // 10)}")
        result["seconds"] = time.time() - start
        lines = logged(out)
        tenth = max(1, steps // 10)
        result |= {t: (mean(lines[:tenth], t), mean(lines[-tenth:], t)) for t in TERMS if t in lines[0]["terms"]}
        if seed == 0:
            result["recall"] = json.loads(call(o, "eval", out, "--json"))["recall"]["10"]
            if "generate" in result:
                rest = out.with_name(out.name + "-at-rest")
                shutil.rmtree(rest, ignore_errors=True)
                shutil.copytree(out, rest)
                call(o, "train", "--resume", "--force", "--out", rest, "--steps", steps + AT_REST, "--set",
                     "objective.generate.palette=0", "--set", "train.lr=1e-12", *always)
                result["flow"] = mean(logged(rest)[-AT_REST:], "generate")
    except RuntimeError as e:
        result["failed"] = e
    return result


def row(name, r):
    cells = [f"{r[t][0]:.3f} -> {r[t][1]:.3f}" if t in r else "-" for t in TERMS]
    cells += [f"{r['flow']:.4f}" if "flow" in r else "-", f"{100 * r['recall']:.1f}" if "recall" in r else "-"]
    cells += [f"{r['seconds']:.0f}" if "seconds" in r else "-"]
    return f"| {name} | " + " | ".join(cells) + " |" + (f" {r['failed']}" if "failed" in r else "")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("program")
    p.add_argument("out")
    p.add_argument("--scheme", default="modality-moe")
    p.add_argument("--steps", type=int, default=1000)
    p.add_argument("--short", type=int, default=150, help="steps of seeds 1 to 4")
    p.add_argument("--batch", type=int, default=64)
    p.add_argument("--methods", default="none,pcgrad,gradnorm,upgrad")
    o = p.parse_args()
    methods = o.methods.split(",")
    runs = {f"{t} alone": (o.steps, 0, all_but(t, o.scheme)) for t in ("generate", "align")}
    runs |= {m: (o.steps, 0, [f"train.surgery={m}"]) for m in methods}
    runs |= {f"{m} seed {s}": (o.short, s, [f"train.surgery={m}"]) for m in methods for s in range(1, 5)}
    print("| run | " + " | ".join(TERMS) + " | flow | recall@10 | seconds |", flush=True)
    with ThreadPoolExecutor(2) as pool:  # two runs of one thread each
        for name, job in [(name, pool.submit(train, o, name, *how)) for name, how in runs.items()]:
            print(row(name, job.result()), flush=True)


main()
