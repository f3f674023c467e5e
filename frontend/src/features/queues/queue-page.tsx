import { PageHead } from "@/ui/card";

export function QueuePage() {
  return <PageHead title="Queue" />;
}
