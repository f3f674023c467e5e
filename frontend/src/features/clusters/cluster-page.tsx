import { PageHead } from "@/ui/card";

export function ClusterPage() {
  return <PageHead title="Cluster" />;
}
