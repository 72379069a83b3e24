/** One line of a scrape. */
interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

/** Returns all samples of a text in Prometheus' format. */
export const samplesIn = (text: string): Sample[] =>
  text
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const [, name = "", labels = "", value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
      const pairs = [...labels.matchAll(/\b(\w+)="([^"]*)"/g)];
      return {
        name,
        labels: Object.fromEntries(pairs.map(([, key = "", content = ""]) => [key, content])),
        value: Number(value),
      };
    });

/** Returns the value of the only sample with this name and at least these labels; undefined without one. */
export const valueIn = (
  text: string,
  name: string,
  labels: Record<string, string> = {},
): number | undefined => {
  const found = samplesIn(text).filter(
    (sample) =>
      sample.name === name &&
      Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
  );
  if (found.length > 1) throw new Error(`${found.length} samples of ${name}`);
  return found[0]?.value;
};
