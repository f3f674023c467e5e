/** Accounts as the API tells them. */
import { queryOptions } from "@tanstack/react-query";
import { api, data } from "@/api/client";
import type { components } from "@/api/schema.gen";

export type User = components["schemas"]["UserShape"];

export const usersQuery = queryOptions({ queryKey: ["users"], queryFn: () => data(api.GET("/users")) });

export const keysOfQuery = (user: string) =>
  queryOptions({ queryKey: ["keys", user], queryFn: () => data(api.GET("/users/{user}/api-keys", { params: { path: { user } } })) });
