/**
 * Adds a value to the list that a key has, without copying the list: other users decide how long some
 * lists become, such as the mounts of a file system.
 */
export function addTo<Key, Value>(lists: Map<Key, Value[]>, key: Key, value: Value): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [value])
  else list.push(value)
}
