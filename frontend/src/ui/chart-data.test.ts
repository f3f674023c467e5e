import { describe, expect, it } from "vitest";
import { drawn, peak, summary, timeMark } from "./chart-data";

const cores = (value: number) => `${value} cores`;

describe("what a chart draws", () => {
  it("leaves a gap where samples are missing, and only there", () => {
    const got = drawn([0, 10, 20, 60, 70], [{ label: "a", values: [1, 2, 3, 4, 5] }], 10);
    expect(got.times).toEqual([0, 10, 20, 30, 60, 70]);
    expect(got.lines).toEqual([[1, 2, 3, null, 4, 5]]);
  });
  it("joins everything when it is not told how far samples should be apart", () => {
    expect(drawn([0, 500], [{ label: "a", values: [1, 2] }]).times).toEqual([0, 500]);
  });
  it("piles series up, but no limit, and keeps the values themselves for its words", () => {
    const series = [
      { label: "a", values: [1, 2] },
      { label: "b", values: [10, null] },
      { label: "capacity", values: [16, 16], look: "limit" as const },
    ];
    const got = drawn([0, 10], series, 10, true);
    expect(got.lines).toEqual([[1, 2], [11, null], [16, 16]]);
    expect(got.values[1]).toEqual([10, null]);
  });
  it("is as high as its highest value, and at least as high as asked for", () => {
    expect(peak([[1, null, 7], [3]])).toBe(7);
    expect(peak([[1, null]], 100)).toBe(100);
  });
});

describe("what a chart says", () => {
  it("names end, least and most; of a limit and of what never changes only the value", () => {
    const said = summary(
      [
        { label: "CPU", values: [1, null, 4, 2] },
        { label: "steady", values: [3, 3] },
        { label: "capacity", values: [6, 8], look: "limit" },
        { label: "GPUs", values: [null] },
      ],
      cores,
    );
    expect(said).toBe("CPU: 2 cores at the end, between 1 cores and 4 cores; steady: 3 cores; capacity: 8 cores; GPUs: not known.");
  });
  it("marks hours, and days where they begin", () => {
    const noon = new Date(2030, 4, 17, 12, 30).getTime() / 1000;
    expect(timeMark(noon, 600)).toMatch(/12:30$/);
    expect(timeMark(noon, 10)).toMatch(/12:30:00$/);
    expect(timeMark(new Date(2030, 4, 17).getTime() / 1000, 600)).toContain("17");
  });
});
