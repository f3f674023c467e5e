/** Keys, secrets and volumes as the API tells them. */
import { queryOptions } from "@tanstack/react-query";
import { api, data } from "@/api/client";
import type { components } from "@/api/schema.gen";

export type Key = components["schemas"]["KeyShape"];
export type NewKey = components["schemas"]["NewKeyShape"];
export type Scope = components["schemas"]["KeyScope"];
export type Volume = components["schemas"]["VolumeShape"];
export type Secret = components["schemas"]["SecretShape"];

export const ownKeysQuery = queryOptions({ queryKey: ["keys"], queryFn: () => data(api.GET("/account/api-keys")) });
export const secretsQuery = queryOptions({ queryKey: ["secrets"], queryFn: () => data(api.GET("/secrets")) });
export const volumesQuery = queryOptions({ queryKey: ["volumes"], queryFn: () => data(api.GET("/volumes")) });

export const SCOPES: Record<Scope, string> = {
  read: "look only",
  submit: "submit, and look",
  admin: "all that its holder may",
};
