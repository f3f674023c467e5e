import { PageHead } from "@/ui/card";

export function UsersPage() {
  return <PageHead title="Users" />;
}
