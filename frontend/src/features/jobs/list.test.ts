import { describe, expect, it } from "vitest";
import { jobs } from "./fixture";
import { begun, continued, refreshed, shown, updated } from "./list";
import type { Job } from "./types";

const many = (from: number, to: number): Job[] => jobs(from - to + 1, (n) => ({ job_id: `j${from - n}`, job_name: `j${from - n}` }));
const names = (rows: readonly Job[]) => rows.map((job) => job.job_name).join(" ");

describe("the list of jobs", () => {
  it("goes on page after page, each job once", () => {
    const list = continued(begun({ jobs: many(9, 7), next: "7" }), { jobs: many(7, 5), next: null });
    expect(names(list.rows)).toBe("j9 j8 j7 j6 j5");
    expect(list.next).toBeNull();
  });

  it("replaces rows where they stand, and is the same list when nothing is different", () => {
    const list = begun({ jobs: many(9, 5), next: "5" });
    expect(updated(list, many(7, 6))).toBe(list);
    const changed = updated(list, [{ ...(many(7, 7)[0] as Job), job_status: "failed" }]);
    expect(names(changed.rows)).toBe(names(list.rows));
    expect(changed.rows[2]?.job_status).toBe("failed");
    expect(changed.rows[0]).toBe(list.rows[0]);
  });

  it("puts new jobs on top, or holds them back while somebody reads", () => {
    const list = begun({ jobs: many(9, 5), next: "5" });
    expect(names(refreshed(list, { jobs: many(11, 7), next: "7" }, false).rows)).toBe("j11 j10 j9 j8 j7 j6 j5");
    const held = refreshed(refreshed(list, { jobs: many(10, 6), next: "6" }, true), { jobs: many(11, 7), next: "7" }, true);
    expect(names(held.rows)).toBe("j9 j8 j7 j6 j5");
    expect(names(held.held)).toBe("j11 j10");
    expect(names(shown(held).rows)).toBe("j11 j10 j9 j8 j7 j6 j5");
    expect(names(refreshed(held, { jobs: many(11, 7), next: "7" }, false).rows)).toBe("j11 j10 j9 j8 j7 j6 j5");
  });

  it("keeps what no longer matches the filter in its place", () => {
    const list = begun({ jobs: many(9, 5), next: null });
    expect(names(refreshed(list, { jobs: many(9, 6).filter((job) => job.job_name !== "j7"), next: null }, false).rows)).toBe("j9 j8 j7 j6 j5");
  });

  it("begins anew when more is new than a page holds, as what lies between is not known", () => {
    const list = begun({ jobs: many(9, 5), next: "5" });
    const next = refreshed(list, { jobs: many(90, 86), next: "86" }, false);
    expect(names(next.rows)).toBe("j90 j89 j88 j87 j86");
    expect(next.next).toBe("86");
  });
});
