import { describe, expect, it } from "vitest";
import { eventKindValues } from "@/api/schema.gen";
import type { PlatformEvent } from "@/api/stream";
import { type Names, NO_NAMES, sentenceOf, toneOf, wordsOf } from "./wording";

const NAMES: Names = {
  node: (id) => ({ n3: "node-3" })[id],
  queue: (id) => ({ q1: "default" })[id],
  cluster: (id) => ({ c1: "lab" })[id],
  user: (id) => ({ u1: "ada", u2: "bob" })[id],
};

function event(kind: string, more: Partial<PlatformEvent> = {}): PlatformEvent {
  return { seq: 1, at: "2030-01-01T00:00:00Z", kind, actor: "system", job_id: null, node_id: null, cluster_id: null, queue_id: null, user_id: null, data: {}, ...more };
}

const JOB = { job_id: "j1", queue_id: "q1", user_id: "u1" };

describe("events in words", () => {
  it.each<[string, Partial<PlatformEvent>, string]>([
    ["job.submitted", { ...JOB, actor: "user:ada", data: { name: "digits" } }, "ada submitted job digits to queue default"],
    ["job.submitted", { ...JOB, actor: "user:ada", data: { name: "digits", retry_of: "j0" } }, "ada retried as job digits to queue default"],
    ["job.succeeded", { ...JOB, node_id: "n3", data: { name: "digits" } }, "ada's job digits succeeded on node-3"],
    ["job.failed", { ...JOB, node_id: "n3", data: { name: "digits", reason: "error", message: "Exit code 3." } }, "ada's job digits failed on node-3: Exit code 3"],
    ["job.failed", { ...JOB, data: { name: "digits", reason: "out_of_memory", message: null } }, "ada's job digits failed: it used more memory than it had asked for"],
    ["job.cancelled", { ...JOB, user_id: null, actor: "user:bob", data: { name: "digits" } }, "Job digits was cancelled by bob"],
    ["job.assigned", { ...JOB, node_id: "n3", data: { name: "wide", nodes: ["n3", "n4"] } }, "ada's job wide was given a place on 2 nodes"],
    ["job.changed", { ...JOB, user_id: null, actor: "user:bob", data: { name: "digits", priority: 3, queue_name: "default" } }, "bob moved job digits to queue default, priority 3"],
    ["array.ended", { ...JOB, data: { name: "sweep", counts: { succeeded: 97, failed: 3, cancelled: 0 } } }, "ada's array sweep ended: 97 succeeded, 3 failed"],
    ["node.joined", { node_id: "n3", cluster_id: "c1", data: { name: "node-3" } }, "Node node-3 joined cluster lab"],
    ["node.lost", { node_id: "n3", data: { name: "node-3" } }, "Node node-3 is lost: nothing was heard of it"],
    ["node.changed", { node_id: "n3", actor: "user:ada", data: { node_name: "node-3", cordoned: true, drain_deadline: null } }, "ada drains node node-3"],
    ["node.changed", { node_id: "gone", actor: "user:ada", data: { node_name: "node-9", removed: true } }, "ada removed node node-9"],
    ["node.changed", { node_id: "gone", actor: "user:ada", data: { node_name: "node-9", removed: true, volumes_left: ["data (lilac-1)"] } }, "ada removed node node-9; the data of these volumes stays there: data (lilac-1)"],
    ["volume.data_deleted", { node_id: "n3", actor: "node:node-3", data: { name: "data" } }, "The data of volume data was deleted on node-3"],
    ["node.changed", { node_id: "n3", actor: "node:node-3", data: { name: "node-3", gpus: [{ uuid: "GPU-a", state: "unhealthy", problem: "Xid 79" }] } }, "Node node-3: a GPU is unhealthy (Xid 79)"],
    ["node.changed", { node_id: "n3", actor: "node:node-3", data: { name: "node-3", memory_mb: { before: 1024, after: 2048 } } }, "Node node-3: memory 1 GiB → 2 GiB"],
    ["queue.changed", { queue_id: "q1", actor: "user:ada", data: { queue_name: "default", paused: true } }, "ada changed queue default, which is paused"],
    ["user.login_failed", { user_id: "u2", data: { address: "10.0.0.9" } }, "Somebody failed to sign in as bob from 10.0.0.9"],
    ["key.created", { cluster_id: "c1", actor: "user:ada", data: { name: "rack" } }, "ada made the API key rack of cluster lab"],
  ])("%s", (kind, more, words) => expect(sentenceOf(event(kind, more), NAMES)).toBe(words));

  it("knows every kind there is, and tells others by their words", () => {
    for (const kind of eventKindValues) {
      const said = sentenceOf(event(kind, { data: { name: "x" } }), NO_NAMES);
      expect(said).not.toBe(kind.replace(/[._]/g, " "));
      expect(said).not.toMatch(/undefined|NaN|null|\[object/);
    }
    expect(sentenceOf(event("moon.risen_late", { actor: "user:ada" }), NAMES)).toBe("moon risen late by ada");
  });

  it("leads to what it is about, where that still exists", () => {
    const parts = wordsOf(event("job.succeeded", { ...JOB, node_id: "n3", data: { name: "digits" } }), NAMES);
    expect(parts.filter((part) => typeof part !== "string")).toEqual([
      { text: "digits", to: "job", id: "j1" },
      { text: "node-3", to: "node", id: "n3" },
    ]);
  });

  it("feels bad about failures only", () => {
    expect(toneOf(event("job.failed"))).toBe("bad");
    expect(toneOf(event("array.ended", { data: { state: "succeeded" } }))).toBe("good");
    expect(toneOf(event("node.changed", { data: { gpus: [{ state: "unhealthy" }] } }))).toBe("warn");
    expect(toneOf(event("queue.created"))).toBe("muted");
  });
});
