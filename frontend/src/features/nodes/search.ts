/** What the address of the nodes' page says: filters, order, and how they are shown. */

export interface NodesSearch {
  /** Text in name, host name, GPU model or labels. */
  q?: string;
  state?: "available" | "busy" | "draining" | "lost";
  cluster?: string;
  sort?: string;
  view?: "gpus";
}

const STATES = ["available", "busy", "draining", "lost"];

export function nodesSearch(search: Record<string, unknown>): NodesSearch {
  const found: NodesSearch = {};
  if (search.q !== undefined && String(search.q)) found.q = String(search.q);
  if (typeof search.state === "string" && STATES.includes(search.state)) found.state = search.state as NonNullable<NodesSearch["state"]>;
  if (typeof search.cluster === "string" && search.cluster) found.cluster = search.cluster;
  if (typeof search.sort === "string" && /^-?[a-z]+$/.test(search.sort)) found.sort = search.sort;
  if (search.view === "gpus") found.view = "gpus";
  return found;
}
