/** What the control plane lets people do who are not signed in. */
import { queryOptions } from "@tanstack/react-query";
import { api, data } from "@/api/client";

export const policyQuery = queryOptions({ queryKey: ["policy"], queryFn: () => data(api.GET("/auth/policy")), staleTime: 60_000 });
