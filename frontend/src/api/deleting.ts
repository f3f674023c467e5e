/**
 * What this page deletes is not read again, by no event and no interval: the answer would be that it is not there.
 *
 * `stays` is what all queries ask before they read (`enabled` in the client's defaults): false for those whose key names
 * a thing that is being deleted or was. Ids are never given twice, so nothing has to be forgotten after a success.
 */
const going = new Set<string>();

/** Delete the thing of this id by `act`; if that fails it is read as before. */
export async function deleting<T>(id: string, act: () => Promise<T>): Promise<T> {
  going.add(id);
  try {
    return await act();
  } catch (failure) {
    going.delete(id);
    throw failure;
  }
}

export function stays(query: { queryKey: readonly unknown[] }): boolean {
  return !query.queryKey.some((part) => typeof part === "string" && going.has(part));
}
