/** Everybody's accounts, for administrators. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useMemo, useState } from "react";
import { api } from "@/api/client";
import { sentence } from "@/api/errors";
import { type Role, useMay, useSession } from "@/app/session";
import { toast } from "@/app/toasts";
import { KeyTable } from "@/features/account/key-table";
import type { Key } from "@/features/account/queries";
import { Button } from "@/ui/button";
import { Badge, Empty, Notice, PageHead, Skeleton } from "@/ui/card";
import { type Column, DataTable } from "@/ui/data-table";
import { Confirm, Dialog } from "@/ui/dialog";
import { Select } from "@/ui/form";
import { Ago } from "@/ui/time";
import { keysOfQuery, type User, usersQuery } from "./queries";
import { NewUserDialog, PasswordDialog, ROLES } from "./user-form";

export function UsersPage() {
  if (useMay("admin")) return <Users />;
  return (
    <>
      <PageHead title="Users" />
      <Notice tone="warn">Only administrators manage accounts. Your own is under Account.</Notice>
    </>
  );
}

type Opened = { what: "new" } | { what: "password" | "keys"; user: User } | null;

function Users() {
  const users = useQuery(usersQuery);
  const self = useSession().user_id;
  const [opened, setOpened] = useState<Opened>(null);
  const columns = useMemo(() => columnsOf(self, setOpened), [self]);
  const close = () => setOpened(null);
  return (
    <>
      <PageHead title="Users">
        <Button kind="primary" onClick={() => setOpened({ what: "new" })}>
          <Plus aria-hidden /> New user
        </Button>
      </PageHead>
      {users.error && <Notice tone="bad">{sentence(users.error)}</Notice>}
      {users.isPending ? <Skeleton /> : <DataTable label="Users" rows={users.data?.users ?? []} columns={columns} rowId={(user) => user.user_id} />}
      {opened?.what === "new" && <NewUserDialog onClose={close} />}
      {opened?.what === "password" && <PasswordDialog user={opened.user} onClose={close} />}
      {opened?.what === "keys" && <UserKeys user={opened.user} onClose={close} />}
    </>
  );
}

function columnsOf(self: string, open: (opened: Opened) => void): Column<User>[] {
  return [
    {
      id: "username",
      header: "Username",
      phone: "title",
      sort: (user) => user.username,
      cell: (user) => (
        <span className="flex flex-wrap items-center gap-2">
          <span className="font-medium break-all">{user.username}</span>
          {user.user_id === self && <Badge tone="info">you</Badge>}
          {user.disabled && <Badge tone="bad">disabled</Badge>}
        </span>
      ),
    },
    { id: "name", header: "Name", cell: (user) => [user.first_name, user.last_name].filter(Boolean).join(" ") || "–" },
    { id: "role", header: "Role", sort: (user) => user.role, cell: (user) => <RoleSelect user={user} /> },
    { id: "created", header: "Since", sort: (user) => user.created_at, cell: (user) => <Ago at={user.created_at} /> },
    {
      id: "actions",
      header: "Actions",
      cell: (user) => (
        <span className="flex flex-wrap gap-1">
          <Button size="small" aria-label={`Keys of ${user.username}`} onClick={() => open({ what: "keys", user })}>
            Keys
          </Button>
          <Button size="small" aria-label={`Password of ${user.username}`} onClick={() => open({ what: "password", user })}>
            Password
          </Button>
          <Disable user={user} />
          <Delete user={user} />
        </span>
      ),
    },
  ];
}

function RoleSelect({ user }: { user: User }) {
  const client = useQueryClient();
  const change = useMutation({
    mutationFn: (role: Role) => api.PATCH("/users/{user}", { params: { path: { user: user.user_id } }, body: { role } }),
    onSuccess: (_, role) => toast(`${user.username} is ${role} now.`),
    onError: (failure) => toast(sentence(failure), "bad"),
    onSettled: () => Promise.all([client.invalidateQueries({ queryKey: ["users"] }), client.invalidateQueries({ queryKey: ["session"] })]),
  });
  return (
    <Select aria-label={`Role of ${user.username}`} className="min-w-44" value={user.role} disabled={change.isPending} onChange={(event) => change.mutate(event.target.value as Role)}>
      {Object.entries(ROLES).map(([value, words]) => (
        <option key={value} value={value}>
          {words}
        </option>
      ))}
    </Select>
  );
}

function Disable({ user }: { user: User }) {
  const client = useQueryClient();
  const run = async () => {
    await api.PATCH("/users/{user}", { params: { path: { user: user.user_id } }, body: { disabled: !user.disabled } });
    toast(user.disabled ? `${user.username} may sign in again.` : `${user.username} is disabled.`);
    await client.invalidateQueries({ queryKey: ["users"] });
  };
  const action = user.disabled ? "Enable" : "Disable";
  return (
    <Confirm
      trigger={
        <Button size="small" aria-label={`${action} ${user.username}`}>
          {action}
        </Button>
      }
      title={`${action} ${user.username}?`}
      action={action}
      danger={!user.disabled}
      onConfirm={run}
    >
      <p>{user.disabled ? "Password and keys of the account are good again." : "Neither the password nor the keys of the account are good any more, until it is enabled. Its jobs go on."}</p>
    </Confirm>
  );
}

function Delete({ user }: { user: User }) {
  const client = useQueryClient();
  const run = async () => {
    await api.DELETE("/users/{user}", { params: { path: { user: user.user_id } } });
    toast(`The account ${user.username} is deleted.`);
    await client.invalidateQueries({ queryKey: ["users"] });
  };
  return (
    <Confirm
      trigger={
        <Button size="small" kind="danger" aria-label={`Delete ${user.username}`}>
          Delete
        </Button>
      }
      title={`Delete the account ${user.username}?`}
      action="Delete account"
      onConfirm={run}
    >
      <p>Its keys go with it; its ended jobs and the history stay. It is refused while jobs of the account wait or run: cancel them first.</p>
    </Confirm>
  );
}

function UserKeys({ user, onClose }: { user: User; onClose: () => void }) {
  const keys = useQuery(keysOfQuery(user.user_id));
  const revoke = (key: Key) => api.DELETE("/users/{user}/api-keys/{key_id}", { params: { path: { user: user.user_id, key_id: key.id } } });
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()} title={`API keys of ${user.username}`} className="max-w-4xl">
      {keys.error && <Notice tone="bad">{sentence(keys.error)}</Notice>}
      {keys.isPending ? <Skeleton /> : <KeyTable label={`API keys of ${user.username}`} keys={keys.data ?? []} revoke={revoke} empty={<Empty title="This account has no API key." />} />}
      <div className="flex justify-end">
        <Button onClick={onClose}>Close</Button>
      </div>
    </Dialog>
  );
}
