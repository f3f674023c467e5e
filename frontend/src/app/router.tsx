/** Which page is where. Everything but the login page is for people who are signed in; each page is a chunk of its own. */
import type { QueryClient } from "@tanstack/react-query";
import { createRootRouteWithContext, createRoute, createRouter, lazyRouteComponent, Link, Outlet, redirect } from "@tanstack/react-router";
import { sentence } from "@/api/errors";
import { nodesSearch } from "@/features/nodes/search";
import { type Range, rangeOf } from "@/features/usage/ranges";
import { Empty, Notice } from "@/ui/card";
import { Button } from "@/ui/button";
import { accountSearch } from "@/features/account/tabs";
import { eventSearch } from "@/features/events/search";
import { jobSearch, jobsSearch } from "@/features/jobs/addresses";
import { sessionQuery } from "./session";
import { Shell } from "./shell";
import { Toasts } from "./toasts";

/** Which stretch of time the charts of a page show. */
/* What `validateSearch` leaves out stays as it is in the address and would reach the page unchecked: whatever is wrong is
   told as undefined, here and in the pages' own functions. */
function withRange(search: Record<string, unknown>): { range?: Range | undefined } {
  return { range: rangeOf(search.range) };
}

interface Context {
  client: QueryClient;
}

const root = createRootRouteWithContext<Context>()({
  component: () => (
    <>
      <Outlet />
      <Toasts />
    </>
  ),
  notFoundComponent: () => (
    <Empty title="There is no such page.">
      <Link to="/" className="text-accent underline">
        To the dashboard
      </Link>
    </Empty>
  ),
  errorComponent: Failed,
});

const login = createRoute({
  getParentRoute: () => root,
  path: "/login",
  validateSearch: (search: Record<string, unknown>): { back?: string | undefined } => {
    const back = search.back;
    // only places of this application: a link to elsewhere must not lead people away after they signed in
    return { back: typeof back === "string" && /^\/(?![/\\])/.test(back) && !back.startsWith("/login") ? back : undefined };
  },
  component: lazyRouteComponent(() => import("@/features/session/login-page"), "LoginPage"),
});

const inside = createRoute({
  getParentRoute: () => root,
  id: "inside",
  beforeLoad: async ({ context, location }) => {
    const session = await context.client.ensureQueryData(sessionQuery);
    if (!session) throw redirect({ to: "/login", search: location.href === "/" ? {} : { back: location.href } });
  },
  component: Shell,
});

const dashboard = createRoute({
  getParentRoute: () => inside,
  path: "/",
  validateSearch: withRange,
  component: lazyRouteComponent(() => import("@/features/dashboard/dashboard-page"), "DashboardPage"),
});
const jobs = createRoute({
  getParentRoute: () => inside,
  path: "/jobs",
  validateSearch: jobsSearch,
  component: lazyRouteComponent(() => import("@/features/jobs/jobs-page"), "JobsPage"),
});
const job = createRoute({
  getParentRoute: () => inside,
  path: "/jobs/$job",
  validateSearch: jobSearch,
  component: lazyRouteComponent(() => import("@/features/jobs/job-page"), "JobPage"),
});
const submit = createRoute({
  getParentRoute: () => inside,
  path: "/submit",
  // a draft lies in the tab's storage, from "clone and edit"
  validateSearch: (search: Record<string, unknown>): { draft?: 1 | undefined } => ({ draft: search.draft === 1 || search.draft === "1" ? 1 : undefined }),
  component: lazyRouteComponent(() => import("@/features/submit/submit-page"), "SubmitPage"),
});
const queues = createRoute({
  getParentRoute: () => inside,
  path: "/queues",
  component: lazyRouteComponent(() => import("@/features/queues/queues-page"), "QueuesPage"),
});
const queue = createRoute({
  getParentRoute: () => inside,
  path: "/queues/$queue",
  component: lazyRouteComponent(() => import("@/features/queues/queue-page"), "QueuePage"),
});
const clusters = createRoute({
  getParentRoute: () => inside,
  path: "/clusters",
  component: lazyRouteComponent(() => import("@/features/clusters/clusters-page"), "ClustersPage"),
});
const cluster = createRoute({
  getParentRoute: () => inside,
  path: "/clusters/$cluster",
  validateSearch: withRange,
  component: lazyRouteComponent(() => import("@/features/clusters/cluster-page"), "ClusterPage"),
});
const nodes = createRoute({
  getParentRoute: () => inside,
  path: "/nodes",
  validateSearch: nodesSearch,
  component: lazyRouteComponent(() => import("@/features/nodes/nodes-page"), "NodesPage"),
});
const node = createRoute({
  getParentRoute: () => inside,
  path: "/nodes/$node",
  validateSearch: withRange,
  component: lazyRouteComponent(() => import("@/features/nodes/node-page"), "NodePage"),
});
const users = createRoute({
  getParentRoute: () => inside,
  path: "/users",
  component: lazyRouteComponent(() => import("@/features/users/users-page"), "UsersPage"),
});
const account = createRoute({
  getParentRoute: () => inside,
  path: "/account",
  validateSearch: accountSearch,
  component: lazyRouteComponent(() => import("@/features/account/account-page"), "AccountPage"),
});
const events = createRoute({
  getParentRoute: () => inside,
  path: "/events",
  validateSearch: eventSearch,
  component: lazyRouteComponent(() => import("@/features/events/events-page"), "EventsPage"),
});

const tree = root.addChildren([
  login,
  inside.addChildren([dashboard, jobs, job, submit, queues, queue, clusters, cluster, nodes, node, users, account, events]),
]);

export function makeRouter(client: QueryClient) {
  return createRouter({
    routeTree: tree,
    basepath: "/ui",
    context: { client },
    defaultPreload: "intent",
    scrollRestoration: true,
    defaultErrorComponent: Failed,
  });
}

function Failed({ error, reset }: { error: unknown; reset: () => void }) {
  return (
    <div className="flex flex-col items-start gap-3 p-4">
      <Notice tone="bad">{sentence(error)}</Notice>
      <Button onClick={reset}>Try again</Button>
    </div>
  );
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
