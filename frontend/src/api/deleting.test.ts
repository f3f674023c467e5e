import { QueryClient, QueryObserver } from "@tanstack/react-query";
import { expect, test, vi } from "vitest";
import { deleting, stays } from "./deleting";

function watched(id: string) {
  const client = new QueryClient({ defaultOptions: { queries: { enabled: stays } } });
  const read = vi.fn<() => Promise<string>>().mockResolvedValue("here");
  const end = new QueryObserver(client, { queryKey: ["queues", id], queryFn: read }).subscribe(() => {});
  return { client, read, end };
}

test("what is being deleted is not read again, before and after it is gone", async () => {
  const { client, read, end } = watched("q1");
  await vi.waitFor(() => expect(client.getQueryData(["queues", "q1"])).toBe("here"));
  await client.invalidateQueries({ queryKey: ["queues"] });
  expect(read).toHaveBeenCalledTimes(2);
  await deleting("q1", () => client.invalidateQueries({ queryKey: ["queues"] }));
  await client.invalidateQueries();
  expect(read).toHaveBeenCalledTimes(2);
  end();
});

test("what could not be deleted is read as before", async () => {
  const { client, read, end } = watched("q2");
  await vi.waitFor(() => expect(client.getQueryData(["queues", "q2"])).toBe("here"));
  await expect(deleting("q2", () => Promise.reject(new Error("jobs wait in it")))).rejects.toThrow("jobs wait");
  await client.invalidateQueries();
  expect(read).toHaveBeenCalledTimes(2);
  end();
});
