/** Name and password. */
import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { ApiError, sentence } from "@/api/errors";
import { signIn } from "@/app/session";
import { Button } from "@/ui/button";
import { Notice } from "@/ui/card";
import { Field, Input } from "@/ui/form";
import { doorSentence, useBackOff } from "./back-off";

/* No name is filled in beforehand: it would arrive with the server's reply, in the middle of what somebody types. */
export function SignInForm({ onDone }: { onDone: () => Promise<void> }) {
  const client = useQueryClient();
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const [error, setError] = useState<{ password?: string; general?: string }>({});
  const [busy, setBusy] = useState(false);
  const pause = useBackOff();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError({});
    try {
      await signIn(client, username.trim(), password);
      await onDone();
    } catch (failure) {
      const wrong = failure instanceof ApiError && failure.status === 401;
      if (!pause.note(failure)) setError(wrong ? { password: sentence(failure) } : { general: doorSentence(failure) ?? sentence(failure) });
      setBusy(false);
    }
  };
  return (
    <form onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
      <Field label="Username">
        {(bound) => <Input {...bound} name="username" autoComplete="username" autoCapitalize="none" spellCheck={false} required value={username} onChange={(e) => setUsername(e.target.value)} />}
      </Field>
      <Field label="Password" error={error.password}>
        {(bound) => <Input {...bound} name="password" type="password" autoComplete="current-password" required value={password} onChange={(e) => setPassword(e.target.value)} />}
      </Field>
      {error.general && <Notice tone="bad">{error.general}</Notice>}
      {pause.left > 0 && <Notice tone="warn">Too many attempts failed. You can try again in {pause.left} s.</Notice>}
      <Button kind="primary" type="submit" disabled={busy || pause.left > 0}>
        {busy ? "Signing in…" : "Sign in"}
      </Button>
    </form>
  );
}
