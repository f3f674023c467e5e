import { PageHead } from "@/ui/card";

export function ClustersPage() {
  return <PageHead title="Clusters" />;
}
