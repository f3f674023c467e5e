import { PageHead } from "@/ui/card";

export function EventsPage() {
  return <PageHead title="Events" />;
}
