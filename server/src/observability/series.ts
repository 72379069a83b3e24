/** The value of a label for all that is unknown, or beyond the bound. The convention writes it like this. */
export const other = "_OTHER";

/** Records a value under label values. */
type Record = (value: number) => void;

/** Returns the function that records under these label values, or under the shared ones if too many are in use. */
export type Series = (labels: readonly string[], shared: readonly string[]) => Record;

/**
 * Bounds the number of label sets of one instrument: a client must not be able to fill the server's memory or the
 * monitoring's disk. It also saves the library's search by labels for each value.
 * @param create returns what records under label values
 * @param max label sets; further ones are recorded under their shared labels, of which there must be few
 */
export const createSeries = (
  create: (labels: readonly string[]) => Record,
  max: number,
): Series => {
  const known = new Map<string, Record>();
  const get = (labels: readonly string[], shared?: readonly string[]): Record => {
    const key = labels.join("\n");
    let record = known.get(key);
    if (record === undefined) {
      if (shared !== undefined && known.size >= max) return get(shared);
      known.set(key, (record = create(labels)));
    }
    return record;
  };
  return get;
};
