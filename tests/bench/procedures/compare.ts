import { isDeepStrictEqual } from "node:util";
import { send } from "../../support/client/http.ts";
import { measure, type Sample } from "../load.ts";
import { type Measurement, type PeerSummary, ratioOf, summaryOf } from "../report.ts";
import { type Exchange, exchangeOf, operationNames } from "./calls.ts";
import { type Server, withPeers } from "./servers.ts";

interface Options {
  /** Those that count; one more comes before them. */
  rounds: number;
  /** Of each measurement. */
  seconds: number;
  /** A part of the names of the operations to measure. */
  only: string;
  /** Gets a line for each step. */
  report: (line: string) => void;
}

/**
 * Compares a server's outputs with those that all should have: a comparison of speed means nothing if they differ.
 * @throws {Error} with the response
 */
export const assertOutput = async (
  { name, url }: Pick<Server, "name" | "url">,
  { requestOf, unwrap, expected }: Exchange,
): Promise<void> => {
  for (const turn of [0, 1]) {
    const request = requestOf(turn);
    const { status, text } = await send(url, request);
    const isExpected = status < 300 && isDeepStrictEqual(unwrap(JSON.parse(text)), expected(turn));
    if (!isExpected)
      throw new Error(`${request.method} ${request.path} on ${name}: ${status} ${text}`);
  }
};

const ratioTo = (all: readonly Measurement[], target: string, each: Measurement) => {
  const ours = all.find((other) => other.target === target);
  return ours === undefined ? undefined : ratioOf(each, ours, "cpu");
};

/** Measures three procedures without a database on this server's transports and on other typed servers. */
export const comparePeers = async ({
  rounds,
  seconds,
  only,
  report,
}: Options): Promise<{ operation: string; summaries: PeerSummary[] }[]> => {
  const measured = operationNames
    .filter((name) => name.includes(only))
    .map((operation) => ({
      operation,
      measurements: [] as { server: Server; exchange: Exchange; samples: Sample[] }[],
    }));
  await withPeers(report, async (servers) => {
    for (const { operation, measurements } of measured) {
      for (const server of servers) {
        const exchange = exchangeOf(operation, server.protocol);
        if (exchange === undefined) continue;
        await assertOutput(server, exchange);
        measurements.push({ server, exchange, samples: [] });
      }
    }
    // Round 0 is the warm-up.
    for (let round = 0; round <= rounds; round++) {
      report(round === 0 ? "Warming up" : `Round ${round} of ${rounds}`);
      for (const { operation, measurements } of measured) {
        for (const { server, exchange, samples } of measurements) {
          const name = `${operation} on ${server.name}`;
          const { requestOf } = exchange;
          const sample = await measure(server, { name, requestOf, seconds });
          if (round > 0) samples.push(sample);
        }
      }
    }
  });
  return measured.map(({ operation, measurements }) => {
    const all = measurements.map(({ server: { name: target }, samples }) => ({
      operation,
      target,
      samples,
    }));
    const summaries = all.map((each) =>
      Object.assign(summaryOf(each), {
        toRest: ratioTo(all, "taskwire REST", each),
        toTrpc: ratioTo(all, "taskwire tRPC", each),
      }),
    );
    return { operation, summaries };
  });
};
