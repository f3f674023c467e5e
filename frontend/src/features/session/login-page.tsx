/** Signing in, and what a new installation shows first. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { sentence } from "@/api/errors";
import { signIn } from "@/app/session";
import { Button } from "@/ui/button";
import { Notice } from "@/ui/card";
import { Field, Input } from "@/ui/form";
import { policyQuery } from "./policy";

export function LoginPage() {
  const { back } = useSearch({ from: "/login" });
  const client = useQueryClient();
  const navigate = useNavigate();
  const policy = useQuery(policyQuery);
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await signIn(client, username, password);
      await navigate({ to: back ?? "/", replace: true });
    } catch (failure) {
      setError(sentence(failure));
      setBusy(false);
    }
  };
  return (
    <main className="mx-auto flex min-h-dvh w-full max-w-sm flex-col justify-center gap-5 p-4">
      <div className="flex items-center gap-3">
        <img src="/ui/icon.svg" alt="" className="size-9" />
        <h1 className="text-xl font-semibold">Sign in to Lilac</h1>
      </div>
      {back && <Notice tone="info">Your session is over. Sign in to go on where you were.</Notice>}
      <form onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
        <Field label="Username">
          {(bound) => (
            <Input {...bound} name="username" autoComplete="username" required value={username} onChange={(e) => setUsername(e.target.value)} />
          )}
        </Field>
        <Field label="Password" error={error}>
          {(bound) => (
            <Input {...bound} name="password" type="password" autoComplete="current-password" required value={password} onChange={(e) => setPassword(e.target.value)} />
          )}
        </Field>
        <Button kind="primary" type="submit" disabled={busy}>
          {busy ? "Signing in…" : "Sign in"}
        </Button>
      </form>
      {policy.data && <p className="text-muted">{policy.data.hint}</p>}
    </main>
  );
}
