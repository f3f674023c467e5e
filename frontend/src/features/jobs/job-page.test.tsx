import { screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { refusal, renderApp } from "@/test/server";
import { aJob } from "./fixture";
import { DRAFT } from "./request";
import { stepsOf } from "./waterfall";

const JOB = aJob();
const WHERE = `/jobs/${JOB.job_id}`;
const MARKUP = '<img src=x onerror="alert(1)">';

describe("the page of a job", () => {
  it("says why it waits, who holds what it needs, and takes the change that would start it", async () => {
    const job = aJob({ job_status: "queued", attempt: 0, node_name: null, waterfall: { submitted: 1000 }, resource_requirements: { cpu_millicores: 8000, memory_mb: 64, gpus: null } });
    const server = await renderApp(WHERE, {
      "GET /training_jobs/{}": job,
      "GET /training_jobs/{}/explain": {
        code: "resources",
        message: "needs 8 cores; node-1 has 2 free of 4",
        position: 3,
        jobs_ahead: 2,
        expected_start: null,
        expected_start_note: "a job ahead has no time limit",
        best_node: "node-1",
        holders: [{ job_id: "h", job_name: "hog", node_name: "node-1", ends_at: null }],
        nodes: [{ node_name: "node-1", fits: 0, unsuitable: null, shortages: [{ dimension: "cpu", needed: 8000, free: 2000 }] }],
        smallest_change: { text: "--cpu 2000" },
      },
    });
    expect(await screen.findByText("needs 8 cores; node-1 has 2 free of 4")).toBeInTheDocument();
    expect(screen.getByText("a job ahead has no time limit")).toBeInTheDocument();
    expect(screen.getByRole("link", { name: "hog" })).toHaveAttribute("href", "/ui/jobs/h");
    expect(screen.getByText("needs 8 cores, free: 2 cores")).toBeInTheDocument();
    await userEvent.click(screen.getByRole("button", { name: "Use this change" }));
    expect(JSON.parse(sessionStorage.getItem(DRAFT) ?? "{}")).toMatchObject({ name: "train", resource_requirements: { cpu_millicores: 2000 } });
    expect(server.router.state.location.pathname).toBe("/submit");
  });

  it("cancels after asking, and says whose job it is", async () => {
    const server = await renderApp(WHERE, { "GET /training_jobs/{}": aJob({ owner: "bob" }), "POST /training_jobs/{}/cancel": null });
    await userEvent.click(await screen.findByRole("button", { name: "Cancel" }));
    const asked = screen.getByRole("alertdialog");
    expect(within(asked).getByText("It belongs to bob.")).toBeInTheDocument();
    expect(server.sent("POST /training_jobs/{}/cancel")).toHaveLength(0);
    await userEvent.click(within(asked).getByRole("button", { name: "Cancel the job" }));
    expect(server.sent("POST /training_jobs/{}/cancel")).toHaveLength(1);
    expect(await screen.findByText("train is being cancelled.")).toBeInTheDocument();
  });

  it("changes as the job does, without being loaded again", async () => {
    const server = await renderApp(WHERE, { "GET /training_jobs/{}": JOB });
    expect(await screen.findByText("running")).toBeInTheDocument();
    server.routes["GET /training_jobs/{}"] = aJob({ job_status: "failed", exit_code: 3, message: "exit code 3" });
    await server.tell({ kind: "job.failed", job_id: JOB.job_id });
    expect(await screen.findByText("exit code 3")).toBeInTheDocument();
    expect(screen.getByRole("button", { name: "Retry" })).toBeInTheDocument();
    expect(screen.queryByRole("button", { name: "Cancel" })).toBeNull();
  });

  it("shows markup in names, labels and messages as text", async () => {
    await renderApp(WHERE, { "GET /training_jobs/{}": aJob({ job_name: MARKUP, labels: { note: MARKUP }, message: MARKUP, command: [MARKUP] }) });
    expect(await screen.findByText(MARKUP, { selector: "h1 span" })).toBeInTheDocument();
    expect(screen.getByText(`note=${MARKUP}`)).toBeInTheDocument();
    expect(document.querySelector('img[src="x"]')).toBeNull();
  });

  it("says that there is no such job, and hides from viewers what they may not do", async () => {
    await renderApp("/jobs/nobody", { "GET /training_jobs/{}": refusal(404, "There is no job 'nobody'.", { code: "not_found" }) });
    expect(await screen.findByText("There is no job 'nobody'.")).toBeInTheDocument();
  });

  it("moves a waiting job, and shows a refusal beside its field", async () => {
    const explained = { code: "queue_paused", message: "The queue is paused.", position: 1, jobs_ahead: 0, expected_start: null, expected_start_note: null, best_node: null, holders: [], nodes: [], smallest_change: null };
    const server = await renderApp(WHERE, {
      "GET /training_jobs/{}": aJob({ job_status: "queued" }),
      "GET /training_jobs/{}/explain": explained,
      "PATCH /training_jobs/{}": refusal(404, "There is no queue 'nowhere'.", { field: "queue_id" }),
    });
    await userEvent.click(await screen.findByRole("button", { name: "Move" }));
    await userEvent.clear(screen.getByLabelText("Priority"));
    await userEvent.type(screen.getByLabelText("Priority"), "7");
    await userEvent.click(within(screen.getByRole("dialog")).getByRole("button", { name: "Move" }));
    expect(server.sent("PATCH /training_jobs/{}")[0]?.body).toEqual({ priority: 7, queue_id: "default" });
    expect(await screen.findByText("There is no queue 'nowhere'.")).toBeInTheDocument();
  });
});

describe("where the time went", () => {
  it("has a bar for each step that began, the last one growing", () => {
    const steps = stepsOf({ submitted: 100, assigned: 101, received: 101.5, pull_started: 101.6, pull_finished: 110, started: 111 }, 120, false);
    expect(steps.map((step) => [step.id, step.from, step.to, step.open])).toEqual([
      ["queue", 100, 101, false],
      ["assign", 101, 101.5, false],
      ["pull", 101.6, 110, false],
      ["start", 110, 111, false],
      ["run", 111, 120, true],
    ]);
  });

  it("has no bar that goes backwards when the clocks of nodes differ, nor one for what never began", () => {
    const steps = stepsOf({ submitted: 100, assigned: 101, received: 100.2, finished: 101.1 }, 120, true);
    for (const step of steps) expect(step.to).toBeGreaterThanOrEqual(step.from);
    expect(steps.map((step) => step.id)).toEqual(["queue", "assign", "start"]);
    expect(stepsOf({ submitted: 100 }, 120, false)).toMatchObject([{ id: "queue", to: 120, open: true }]);
  });
});
