/** The frame around every page of somebody signed in: navigation, connection, theme, account. */
import { useQueryClient } from "@tanstack/react-query";
import { Link, Outlet, useNavigate, useRouter } from "@tanstack/react-router";
import { LogOut, Menu as MenuIcon, Moon, Sun, UserRound } from "lucide-react";
import { Suspense, useEffect, useState } from "react";
import { onSessionLost } from "@/api/client";
import { Button } from "@/ui/button";
import { Skeleton } from "@/ui/card";
import { cn } from "@/ui/cn";
import { Menu, MenuItem, MenuLabel } from "@/ui/menu";
import { Connection, LiveProvider } from "./live";
import { NAVIGATION } from "./navigation";
import { sessionQuery, signOut, useMay, useSession } from "./session";
import { Shortcuts } from "./shortcuts";
import { chooseTheme, useTheme } from "./theme";

export function Shell() {
  const [open, setOpen] = useState(false);
  useSignInAgain();
  return (
    <LiveProvider>
      <a href="#main" className="sr-only focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-50 focus:rounded focus:bg-surface focus:p-2">
        Skip to content
      </a>
      <div className="mx-auto grid min-h-dvh max-w-[110rem] grid-cols-1 max-md:grid-rows-[auto_1fr] md:grid-cols-[12rem_minmax(0,1fr)]">
        <div className="sticky top-0 z-30 flex flex-col gap-2 border-b border-line bg-canvas p-3 md:h-dvh md:border-r md:border-b-0">
          <div className="flex items-center justify-between">
            <Link to="/" className="flex items-center gap-2 text-base font-semibold">
              <img src="/ui/icon.svg" alt="" className="size-6" />
              Lilac
            </Link>
            <div className="flex items-center gap-2 md:hidden">
              <Connection />
              <Button kind="quiet" size="icon" aria-label="Navigation" aria-expanded={open} aria-controls="navigation" onClick={() => setOpen(!open)}>
                <MenuIcon />
              </Button>
            </div>
          </div>
          <Navigation open={open} onLeave={() => setOpen(false)} />
        </div>
        <main id="main" tabIndex={-1} className="min-w-0 p-4 outline-none md:p-6">
          <Suspense fallback={<Skeleton lines={8} />}>
            <Outlet />
          </Suspense>
        </main>
      </div>
      <Shortcuts />
    </LiveProvider>
  );
}

function Navigation({ open, onLeave }: { open: boolean; onLeave: () => void }) {
  const may = { viewer: true, member: useMay("member"), admin: useMay("admin") };
  return (
    <div id="navigation" className={cn("flex-1 flex-col gap-1 md:flex", open ? "flex" : "hidden")}>
      <nav aria-label="Main" className="flex flex-col gap-0.5">
        {NAVIGATION.filter((place) => may[place.role]).map(({ to, label, icon: Icon }) => (
          <Link
            key={to}
            to={to}
            activeOptions={{ exact: to === "/", includeSearch: false }}
            onClick={onLeave}
            className="flex items-center gap-2 rounded-md px-2 py-1.5 text-muted hover:bg-raised hover:text-ink aria-[current=page]:bg-raised aria-[current=page]:font-medium aria-[current=page]:text-ink"
          >
            <Icon className="size-4" aria-hidden />
            {label}
          </Link>
        ))}
      </nav>
      <div className="mt-auto flex items-center justify-between gap-1 pt-3">
        <div className="hidden md:block">
          <Connection />
        </div>
        <div className="flex">
          <ThemeButton />
          <AccountMenu />
        </div>
      </div>
    </div>
  );
}

function ThemeButton() {
  const dark = useTheme() === "dark";
  return (
    <Button kind="quiet" size="icon" aria-label={dark ? "Light theme" : "Dark theme"} onClick={() => chooseTheme(dark ? "light" : "dark")}>
      {dark ? <Sun /> : <Moon />}
    </Button>
  );
}

function AccountMenu() {
  const session = useSession();
  const client = useQueryClient();
  const navigate = useNavigate();
  const leave = async () => {
    await signOut(client);
    await navigate({ to: "/login" });
  };
  return (
    <Menu
      trigger={
        <Button kind="quiet" size="icon" aria-label={`Account of ${session.username}`}>
          <UserRound />
        </Button>
      }
    >
      <MenuLabel>
        {session.username} · {session.role}
      </MenuLabel>
      <MenuItem asChild>
        <Link to="/account">Account and keys</Link>
      </MenuItem>
      <MenuItem onSelect={() => void leave()}>
        <LogOut aria-hidden /> Sign out
      </MenuItem>
    </Menu>
  );
}

/** When the session is over in the middle of the work: to the login page, and from there back to here. */
function useSignInAgain(): void {
  const client = useQueryClient();
  const router = useRouter();
  useEffect(
    () =>
      onSessionLost(() => {
        if (router.state.location.pathname === "/login") return;
        client.setQueryData(sessionQuery.queryKey, null);
        void router.navigate({ to: "/login", search: { back: router.state.location.href } });
      }),
    [client, router],
  );
}
