import { Activity, Boxes, CalendarClock, CirclePlus, LayoutDashboard, ListOrdered, Server, UserRound, Users } from "lucide-react";

/** The places of the UI, in the order of the sidebar; `key` follows `g` on the keyboard. */
export const NAVIGATION = [
  { to: "/", label: "Dashboard", key: "d", icon: LayoutDashboard, role: "viewer" },
  { to: "/jobs", label: "Jobs", key: "j", icon: Activity, role: "viewer" },
  { to: "/submit", label: "Submit", key: "s", icon: CirclePlus, role: "member" },
  { to: "/queues", label: "Queues", key: "q", icon: ListOrdered, role: "viewer" },
  { to: "/clusters", label: "Clusters", key: "c", icon: Boxes, role: "viewer" },
  { to: "/nodes", label: "Nodes", key: "n", icon: Server, role: "viewer" },
  { to: "/events", label: "Events", key: "e", icon: CalendarClock, role: "viewer" },
  { to: "/users", label: "Users", key: "u", icon: Users, role: "admin" },
  { to: "/account", label: "Account", key: "a", icon: UserRound, role: "viewer" },
] as const;
