#!/usr/bin/env python3
"""Four losses, one trunk: which gradient surgery costs none of them anything?

Trains the generative preset on the emoji with each method, and with the flow matching and the alignment alone; prints
each loss over the first and the last tenth of the run, held-out recall@10, and whether more seeds stay finite.

    bench/multi_objective.py build/release/triptych /tmp/table
"""
import argparse, json, pathlib, subprocess, time
from concurrent.futures import ThreadPoolExecutor

TERMS = ("generate", "align", "prior", "balance")


def weights(only):
    return [f"objective.{t}.weight=0" for t in TERMS if only and t != only]


def train(o, name, steps, seed, settings):
    out = pathlib.Path(o.out) / f"{name}-{seed}"
    command = [o.program, "train", "--data", "emoji", "--preset", "generative", "--scheme", o.scheme, "--steps", steps,
               "--batch", o.batch, "--seed", seed, "--threads", 1, "--force", "--out", out]
    for s in [f"train.warmup={max(1, steps // 10)}", "train.log_every=5", "train.monitor_every=0", *settings]:
        command += ["--set", s]
    start = time.time()
    ended = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if ended.returncode:
        said = [line for line in ended.stderr.splitlines() if line.startswith("triptych: ") and "warning" not in line]
        return {"failed": said[-1] if said else f"exit {ended.returncode}"}
    lines = [json.loads(line) for line in open(out / "metrics.jsonl")]
    lines = [line for line in lines if "terms" in line]
    tenth = max(1, len(lines) // 10)
    mean = lambda part, term: sum(line["terms"][term] for line in part) / len(part)
    result = {"seconds": time.time() - start}
    for term in TERMS:
        if term in lines[0]["terms"]:
            result[term] = (mean(lines[:tenth], term), mean(lines[-tenth:], term))
    return result | {"folder": out}


def recall(o, folder):
    ended = subprocess.run([o.program, "eval", str(folder), "--json"], capture_output=True, text=True, check=True)
    return json.loads(ended.stdout)


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
    runs = {m: (o.steps, 0, [f"train.surgery={m}"]) for m in o.methods.split(",")}
    runs |= {f"{t} alone": (o.steps, 0, weights(t)) for t in ("generate", "align")}
    runs |= {f"{m} seed {s}": (o.short, s, [f"train.surgery={m}"]) for m in o.methods.split(",") for s in range(1, 5)}
    with ThreadPoolExecutor(2) as pool:  # two runs of one thread each
        jobs = {name: pool.submit(train, o, name.replace(" ", "-"), *how) for name, how in runs.items()}
        results = {name: job.result() for name, job in jobs.items()}
    print("| run | " + " | ".join(TERMS) + " | recall@10 | seconds |")
    for name, r in results.items():
        if "failed" in r:
            print(f"| {name} | {r['failed']} |")
            continue
        cells = [f"{r[t][0]:.3f} -> {r[t][1]:.3f}" if t in r else "-" for t in TERMS]
        found = "" if "seed" in name else f"{100 * recall(o, r['folder'])['recall']['10']:.1f}"
        print(f"| {name} | " + " | ".join(cells) + f" | {found} | {r['seconds']:.0f} |", flush=True)


main()
