import { Ban, CircleCheck, CircleDashed, CirclePlay, CircleX, LoaderCircle } from "lucide-react";
import { Badge, type Tone } from "./card";

const LOOK: Record<string, { tone: Tone; icon: typeof Ban }> = {
  queued: { tone: "warn", icon: CircleDashed },
  starting: { tone: "info", icon: LoaderCircle },
  running: { tone: "info", icon: CirclePlay },
  succeeded: { tone: "good", icon: CircleCheck },
  failed: { tone: "bad", icon: CircleX },
  cancelled: { tone: "muted", icon: Ban },
};

/** A job's state by word, shape and colour: never by colour alone. */
export function JobStateBadge({ state }: { state: string }) {
  const { tone, icon: Icon } = LOOK[state] ?? { tone: "muted" as const, icon: CircleDashed };
  return (
    <Badge tone={tone}>
      <Icon className="size-3.5" aria-hidden />
      {state}
    </Badge>
  );
}
