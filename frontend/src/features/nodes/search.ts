/** What the address of the nodes' page says: filters, order, and how they are shown. */

const STATES = ["available", "busy", "draining", "lost"] as const;

export interface NodesSearch {
  /** Text in name, host name, GPU model or labels. */
  q?: string | undefined;
  state?: (typeof STATES)[number] | undefined;
  cluster?: string | undefined;
  sort?: string | undefined;
  view?: "gpus" | undefined;
}

export function nodesSearch(search: Record<string, unknown>): NodesSearch {
  const { q, state, cluster, sort, view } = search;
  return {
    q: q === undefined || q === null || q === "" ? undefined : String(q),
    state: STATES.find((each) => each === state),
    cluster: typeof cluster === "string" && cluster ? cluster : undefined,
    sort: typeof sort === "string" && /^-?[a-z]+$/.test(sort) ? sort : undefined,
    view: view === "gpus" ? view : undefined,
  };
}
