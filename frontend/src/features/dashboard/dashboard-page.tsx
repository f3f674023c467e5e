import { PageHead } from "@/ui/card";

export function DashboardPage() {
  return <PageHead title="Dashboard" />;
}
