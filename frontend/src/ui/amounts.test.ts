import { readCores, readMemory, readSeconds, readWhole, writeCores, writeMemory, writeSeconds } from "./amounts";

test("amounts are read as the command line reads them", () => {
  expect(["2", "0.5", "1500m", "0", "0.0001", "two", "-1", ""].map(readCores)).toEqual([2000, 500, 1500, null, null, null, null, null]);
  expect(["4096", "4GiB", "1.5g", "512M", "1 TB", "0", "4 B"].map((text) => readMemory(text))).toEqual([4096, 4096, 1536, 512, 1048576, null, null]);
  expect(readMemory("40", "g")).toBe(40960);
  expect(["90", "90s", "1h30m", "1d", "1h30", "soon", ""].map(readSeconds)).toEqual([90, 90, 5400, 86400, null, null, null]);
  expect([readWhole("12"), readWhole("1.5"), readWhole("-1"), readWhole("-1", -5), readWhole("")]).toEqual([12, null, null, -1, null]);
});

test("what is written reads as the same amount", () => {
  for (const amount of [1, 999, 1000, 1500, 128_000]) expect(readCores(writeCores(amount))).toBe(amount);
  for (const amount of [1, 1024, 1500, 65_536]) expect(readMemory(writeMemory(amount))).toBe(amount);
  for (const amount of [1, 59, 60, 5400, 90_061]) expect(readSeconds(writeSeconds(amount))).toBe(amount);
});
