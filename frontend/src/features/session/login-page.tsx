/** Signing in and signing up, and what a new installation shows first. */
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { sentence } from "@/api/errors";
import { Button } from "@/ui/button";
import { Notice } from "@/ui/card";
import { policyQuery } from "./policy";
import { SignInForm } from "./sign-in-form";
import { SignUpForm } from "./sign-up-form";

export function LoginPage() {
  const { back } = useSearch({ from: "/login" });
  const navigate = useNavigate();
  const policy = useQuery({ ...policyQuery, refetchInterval: (query) => (query.state.error ? 10_000 : false) });
  const [signingUp, setSigningUp] = useState(false);
  const enter = () => navigate({ href: back ?? "/", replace: true });
  const first = policy.data?.first_run ? policy.data : null;
  return (
    <main className="mx-auto flex min-h-dvh w-full max-w-sm flex-col justify-center gap-5 p-4">
      <div className="flex items-center gap-3">
        <img src="/ui/icon.svg" alt="" className="size-9" />
        <h1 className="text-xl font-semibold">{signingUp ? "Make an account" : "Sign in to Lilac"}</h1>
      </div>
      {back && !signingUp && <Notice tone="info">Your session is over. Sign in to go on where you were.</Notice>}
      {policy.error && <Notice tone="bad">{sentence(policy.error)}</Notice>}
      {first && !signingUp && (
        <Notice tone="info">
          <p className="font-medium">Welcome to a new installation. Sign in as {first.first_administrator}.</p>
          {first.hint && <p className="mt-1">{first.hint}</p>}
        </Notice>
      )}
      {signingUp && policy.data ? (
        <SignUpForm policy={policy.data} onDone={enter} />
      ) : (
        <SignInForm onDone={enter} />
      )}
      {policy.data?.sign_up && (
        <p className="text-muted">
          {signingUp ? "You have an account?" : "You have no account yet?"}{" "}
          <Button kind="quiet" size="small" className="text-accent underline" onClick={() => setSigningUp(!signingUp)}>
            {signingUp ? "Sign in" : "Make one"}
          </Button>
        </p>
      )}
      {policy.data && !policy.data.sign_up && !first && <p className="text-xs text-muted">Administrators make accounts, and set lost passwords anew.</p>}
    </main>
  );
}
