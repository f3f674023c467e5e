import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { type Call, type Routes, renderApp } from "@/test/server";
import { jobs } from "./fixture";

const COUNTS = { queued: 5, starting: 0, running: 1200, succeeded: 3, failed: 0, cancelled: 0 };
const MARKUP = "<script>alert(1)</script>";

function routes(more: Routes = {}): Routes {
  return {
    "GET /training_jobs": (call: Call) => ({ jobs: jobs(3, (n) => ({ owner: n === 2 ? "bob" : "ada", job_status: "running" })), next: null, ...(call.query.get("after") ? { jobs: [] } : {}) }),
    "GET /training_jobs/summary": { counts: COUNTS, total: 1208 },
    "GET /queues": { queues: [{ name: "default" }] },
    "GET /users": { users: [{ username: "ada" }, { username: "bob" }] },
    ...more,
  };
}

describe("the list of jobs", () => {
  it("asks for what the address says, and says it in its chips", async () => {
    const server = await renderApp("/jobs?status=failed,queued&owner=me&label=team=x&q=train&within=24h", routes());
    await screen.findByRole("link", { name: "job-0" });
    const query = server.sent("GET /training_jobs")[0]?.query;
    expect(query?.get("status")).toBe("failed,queued");
    expect(query?.get("owner")).toBe("me");
    expect(query?.get("label")).toBe("team=x");
    expect(query?.get("q")).toBe("train");
    expect(Date.now() - Date.parse(query?.get("since") ?? "")).toBeLessThan(86_460_000);
    expect(screen.getByRole("button", { name: "failed 0", pressed: true })).toBeInTheDocument();
    await userEvent.click(screen.getByRole("button", { name: "running 1,200" }));
    await waitFor(() => expect(server.router.state.location.search).toMatchObject({ status: "failed,queued,running", owner: "me" }));
  });

  it("says in short why a job waits", async () => {
    await renderApp("/jobs", routes({ "GET /training_jobs": { jobs: jobs(1, () => ({ job_status: "queued" })).map((job) => ({ ...job, waiting: { code: "resources", message: "needs 8 cores" } })), next: null } }));
    expect(await screen.findByText("needs 8 cores")).toBeInTheDocument();
  });

  it("updates rows in place when events come, and puts new ones on top", async () => {
    const server = await renderApp("/jobs", routes());
    await screen.findByRole("link", { name: "job-0" });
    server.routes["GET /training_jobs"] = { jobs: [...jobs(1, () => ({ job_id: "new", job_name: "newest" })), ...jobs(3, () => ({ job_status: "failed" }))], next: null };
    await server.tell({ kind: "job.submitted", job_id: "new" });
    await screen.findByRole("link", { name: "newest" });
    const names = screen.getAllByRole("row").slice(1).map((row) => within(row).getAllByRole("link")[0]?.textContent);
    expect(names).toEqual(["newest", "job-0", "job-1", "job-2"]);
    expect(screen.getAllByText("failed")).toHaveLength(3);
  });

  it("holds new jobs back while the mouse is over the rows", async () => {
    const server = await renderApp("/jobs", routes());
    await userEvent.hover(await screen.findByRole("link", { name: "job-0" }));
    server.routes["GET /training_jobs"] = { jobs: [...jobs(1, () => ({ job_id: "new", job_name: "newest" })), ...jobs(3)], next: null };
    await server.tell({ kind: "job.submitted", job_id: "new" });
    await userEvent.click(await screen.findByRole("button", { name: "1 new" }));
    expect(screen.getByRole("link", { name: "newest" })).toBeInTheDocument();
  });

  it("cancels what is ticked after saying how many and whose", async () => {
    const server = await renderApp("/jobs", routes({ "POST /training_jobs/cancel": { cancelled: ["job-0", "job-1", "job-2"], ended: [], unknown: [] } }));
    await userEvent.click(await screen.findByRole("checkbox", { name: "Select all rows shown" }));
    await userEvent.click(screen.getByRole("button", { name: "Cancel…" }));
    const asked = screen.getByRole("alertdialog", { name: "Cancel 3 jobs?" });
    expect(within(asked).getByText("1 of them belongs to bob.")).toBeInTheDocument();
    await userEvent.click(within(asked).getByRole("button", { name: "Cancel 3 jobs" }));
    expect(server.sent("POST /training_jobs/cancel")[0]?.body).toEqual({ jobs: ["job-0", "job-1", "job-2"] });
    expect(await screen.findByText("3 cancelled.")).toBeInTheDocument();
  });

  it("keeps the chosen columns in the address", async () => {
    const server = await renderApp("/jobs", routes());
    await userEvent.click(await screen.findByRole("button", { name: "Columns" }));
    await userEvent.click(await screen.findByRole("menuitemcheckbox", { name: /Owner/ }));
    await waitFor(() => expect(server.router.state.location.search).toHaveProperty("columns", "name,state,why,queue,needs,node,age,lasted"));
    expect(screen.queryByRole("columnheader", { name: "Owner" })).toBeNull();
  });

  it("teaches what to do when there is nothing, and shows markup as text", async () => {
    const server = await renderApp("/jobs", routes({ "GET /training_jobs": { jobs: [], next: null } }));
    expect(await screen.findByText("There are no jobs yet.")).toBeInTheDocument();
    expect(screen.getByText(/^lilac submit/)).toBeInTheDocument();
    server.routes["GET /training_jobs"] = { jobs: jobs(1, () => ({ job_name: MARKUP, owner: MARKUP })), next: null };
    await server.tell({ kind: "job.submitted", job_id: "x" });
    expect(await screen.findByRole("link", { name: MARKUP })).toBeInTheDocument();
  });
});
