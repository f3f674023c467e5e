import { describe, expect, it } from "vitest";
import { duration } from "./time";

describe("durations", () => {
  it.each([
    [0.0042, "4ms"],
    [0.82, "820ms"],
    [0.9999, "1.0s"],
    [4.24, "4.2s"],
    [9.96, "10s"],
    [59.96, "1m00s"],
    [245, "4m05s"],
    [3599.6, "1h00m"],
    [11520, "3h12m"],
    [86_400 * 2 + 3600 * 4, "2d4h"],
    [Number.NaN, "–"],
  ])("%f seconds are %s", (seconds, words) => expect(duration(seconds)).toBe(words));
});
