import { PageHead } from "@/ui/card";

export function QueuesPage() {
  return <PageHead title="Queues" />;
}
