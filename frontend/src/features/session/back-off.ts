/** After too many failures the server wants a pause: the seconds of it that are left. */
import { useState } from "react";
import { ApiError } from "@/api/errors";
import { useNow } from "@/ui/time";

const USUAL_S = 30;

export interface BackOff {
  /** Seconds to wait; 0 when another try may be made. */
  left: number;
  /** Note a failure: whether it asks for a pause. */
  note: (failure: unknown) => boolean;
}

export function useBackOff(): BackOff {
  const [until, setUntil] = useState(0);
  const now = useNow();
  return {
    left: Math.max(0, Math.ceil((until - now) / 1000)),
    note: (failure) => {
      if (!(failure instanceof ApiError) || failure.status !== 429) return false;
      setUntil(Date.now() + (failure.retryAfterS ?? USUAL_S) * 1000);
      return true;
    },
  };
}

/** A sentence for a failure at the door. */
export function doorSentence(failure: unknown): string | null {
  return failure instanceof ApiError && failure.status === 0
    ? "The control plane does not answer. See whether it runs and can be reached from here, then try again."
    : null;
}
