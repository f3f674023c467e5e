/** One page of events, newest first as far back as `before`. */
import { api, data } from "@/api/client";
import type { PlatformEvent } from "@/api/stream";
import type { EventQuery } from "./filter";

/** The newest events of the query, or the newest of those before a number; oldest first, as the API gives them. */
export async function readEvents(query: EventQuery, limit: number, before: number | null): Promise<PlatformEvent[]> {
  const page = await data(api.GET("/events", { params: { query: { ...query, limit, ...(before === null ? {} : { before }) } } }));
  // the same route is a stream, but only for who asks for one
  return typeof page === "string" ? [] : (page.events as PlatformEvent[]);
}
