/** Making an account, and setting a lost password. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, data } from "@/api/client";
import { ApiError, sentence } from "@/api/errors";
import type { Role } from "@/app/session";
import { toast } from "@/app/toasts";
import { policyQuery } from "@/features/session/policy";
import { Button } from "@/ui/button";
import { Dialog } from "@/ui/dialog";
import { Field, Input, Select } from "@/ui/form";
import type { User } from "./queries";

export const ROLES: Record<Role, string> = { viewer: "viewer: looks only", member: "member: submits jobs", admin: "admin: may do everything" };

type Errors = Record<string, string | undefined>;

export function NewUserDialog({ onClose }: { onClose: () => void }) {
  const client = useQueryClient();
  const least = useQuery(policyQuery).data?.password_min_length ?? 1;
  const [typed, setTyped] = useState({ username: "", password: "", first_name: "", last_name: "" });
  const [role, setRole] = useState<Role>("member");
  const [errors, setErrors] = useState<Errors>({});
  const make = useMutation({
    mutationFn: () =>
      data(
        api.POST("/users", {
          body: { username: typed.username.trim(), password: typed.password, role, first_name: typed.first_name.trim() || null, last_name: typed.last_name.trim() || null },
        }),
      ),
    onSuccess: async (user) => {
      toast(`The account ${user.username} is there.`);
      onClose();
      await client.invalidateQueries({ queryKey: ["users"] });
    },
    onError: (failure) => setErrors({ [(failure instanceof ApiError && failure.field) || "username"]: sentence(failure) }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const found: Errors = {};
    if (typed.username.trim() === "") found.username = "Give a name to sign in with.";
    if (typed.password.length < least) found.password = `At least ${least} characters.`;
    setErrors(found);
    if (Object.keys(found).length === 0) make.mutate();
  };
  const field = (name: keyof typeof typed, label: string, more: object = {}) => (
    <Field label={label} error={errors[name]}>
      {(bound) => <Input {...bound} {...more} value={typed[name]} onChange={(event) => setTyped({ ...typed, [name]: event.target.value })} />}
    </Field>
  );
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()} title="New user" description="Tell the password to the person, who should change it under Account.">
      <form onSubmit={submit} noValidate className="flex flex-col gap-4">
        <div className="grid gap-4 sm:grid-cols-2">
          {field("username", "Username", { autoComplete: "off", spellCheck: false })}
          <Field label="Role">
            {(bound) => (
              <Select {...bound} value={role} onChange={(event) => setRole(event.target.value as Role)}>
                {Object.entries(ROLES).map(([value, words]) => (
                  <option key={value} value={value}>
                    {words}
                  </option>
                ))}
              </Select>
            )}
          </Field>
          {field("first_name", "First name (optional)", { autoComplete: "off" })}
          {field("last_name", "Last name (optional)", { autoComplete: "off" })}
        </div>
        {field("password", "Password", { type: "password", autoComplete: "new-password" })}
        <Buttons busy={make.isPending} action="Create user" onClose={onClose} />
      </form>
    </Dialog>
  );
}

export function PasswordDialog({ user, onClose }: { user: User; onClose: () => void }) {
  const least = useQuery(policyQuery).data?.password_min_length ?? 1;
  const [password, setPassword] = useState("");
  const [error, setError] = useState<string | null>(null);
  const set = useMutation({
    mutationFn: () => api.PATCH("/users/{user}", { params: { path: { user: user.user_id } }, body: { password } }),
    onSuccess: () => {
      toast(`${user.username} has a new password.`);
      onClose();
    },
    onError: (failure) => setError(sentence(failure)),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (password.length < least) setError(`At least ${least} characters.`);
    else set.mutate();
  };
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()} title={`New password for ${user.username}`} description="Sessions of this account are over at once; API keys stay good.">
      <form onSubmit={submit} noValidate className="flex flex-col gap-4">
        <Field label="New password" error={error}>
          {(bound) => <Input {...bound} type="password" autoComplete="new-password" value={password} onChange={(event) => setPassword(event.target.value)} />}
        </Field>
        <Buttons busy={set.isPending} action="Set password" onClose={onClose} />
      </form>
    </Dialog>
  );
}

function Buttons({ busy, action, onClose }: { busy: boolean; action: string; onClose: () => void }) {
  return (
    <div className="flex justify-end gap-2">
      <Button onClick={onClose}>Cancel</Button>
      <Button kind="primary" type="submit" disabled={busy}>
        {busy ? "Working…" : action}
      </Button>
    </div>
  );
}
