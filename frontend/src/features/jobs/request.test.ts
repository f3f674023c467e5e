import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { aJob } from "./fixture";
import { bodyOf, changed, jobFile } from "./request";

describe("a job's request", () => {
  it("reads as the job file that makes it, without what is so by itself", () => {
    expect(parse(jobFile(bodyOf(aJob())))).toEqual({
      name: "train",
      runtime: "process",
      queue: "default",
      command: ["python", "train.py"],
      resources: { cpu: "1500m", memory: "2GiB" },
    });
  });

  it("keeps all that was chosen", () => {
    const job = aJob({
      runtime: "docker",
      definition: "debian:12",
      command: null,
      args: ["--lr", "0.1"],
      resource_requirements: { cpu_millicores: 4000, memory_mb: 1000, gpus: { count: 8, model: "H100", memory_gb: 80 } },
      kind: "elastic",
      size: { min: 2, max: 8 },
      env: { MODE: "yes: [no]" },
      secrets: [{ name: "token", env: "TOKEN", file: null }],
      volumes: [{ name: "data", host_path: null, path: "/data", read_only: true }],
      ports: [{ port: 80, name: "web", protocol: "tcp" }],
      time_limit_s: 7200,
      priority: 5,
      max_retries: 0,
      retries_allowed: { node_lost: 0, image: 0, out_of_memory: 0, error: 2 },
      after: [{ job_id: "a", condition: "any" }, { job_id: "b", condition: "success" }],
      labels: { team: "<b>x</b>" },
    });
    expect(parse(jobFile(bodyOf(job)))).toEqual({
      name: "train",
      image: "debian:12",
      queue: "default",
      args: ["--lr", "0.1"],
      resources: { cpu: 4, memory: "1000MiB", gpus: { count: 8, model: "H100", memory: "80GB" } },
      size: "2:8",
      env: { MODE: "yes: [no]" },
      secrets: [{ name: "token", env: "TOKEN" }],
      volumes: [{ name: "data", path: "/data", read_only: true }],
      ports: [{ port: 80, name: "web" }],
      time_limit: 7200,
      priority: 5,
      retries: { node_lost: 0, image: 0, out_of_memory: 0, error: 2 },
      after: ["a:any", "b"],
      labels: { team: "<b>x</b>" },
    });
  });

  it("is submitted again without its place in an array, and an array with its limit", () => {
    expect(bodyOf(aJob({ job_name: "sweep[7]" })).name).toBe("sweep");
    const counts = { queued: 10, starting: 0, running: 0, succeeded: 0, failed: 0, cancelled: 0 };
    expect(bodyOf(aJob({ array: { indices: "0-9", size: 10, running_limit: 2, counts } })).array).toBe("0-9%2");
    expect(parse(jobFile(bodyOf(aJob({ max_retries: 0, retries_allowed: {} })))).retries).toBe(0);
  });

  it("takes a change in the words in which the platform proposes it", () => {
    const body = bodyOf(aJob({ resource_requirements: { cpu_millicores: 9000, memory_mb: 1, gpus: { count: 4, model: "H100", memory_gb: null } } }));
    expect(changed(body, "--gpu-count 2, drop --gpu-model, --cpu 500")?.resource_requirements).toEqual({
      cpu_millicores: 500,
      memory_mb: 1,
      gpus: { count: 2, model: null, memory_gb: null },
    });
    expect(changed(body, "no GPUs")?.resource_requirements.gpus).toBeNull();
    expect(changed(body, "--size 2")?.size).toEqual({ min: 2, max: 2 });
    expect(changed(body, "--something 3")).toBeNull();
    expect(body.resource_requirements.cpu_millicores).toBe(9000);
  });
});
