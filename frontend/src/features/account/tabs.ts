/** The parts of the account page, as its address names them. */
export const ACCOUNT_TABS = ["profile", "keys", "secrets", "volumes"] as const;
export type AccountTab = (typeof ACCOUNT_TABS)[number];

export function accountSearch(search: Record<string, unknown>): { tab?: AccountTab | undefined } {
  return { tab: ACCOUNT_TABS.find((each) => each === search.tab) };
}
