import { isatty } from "node:tty";
import { type DestinationStream, pino } from "pino";

/** Bytes that wait for the output. Above them, lines are lost. */
const maxUnwritten = 1_048_576;

/**
 * Returns standard output or standard error. When its reader goes away (EPIPE) or its terminal closes (EIO), lines are
 * lost without an error.
 * @param dest the file descriptor
 */
export const plainOutput = (dest: 1 | 2 = 1): DestinationStream => {
  const stream = pino.destination({ dest, sync: true, maxLength: maxUnwritten });
  // pino itself ignores EPIPE only, and any other error would stop the process.
  stream.on("error", () => {});
  return stream;
};

/**
 * The same, formatted for people on a terminal. With NODE_ENV=production, and where pino-pretty is not installed, the
 * lines stay JSON.
 */
export const openOutput = async (
  { production }: { production: boolean },
  dest: 1 | 2 = 1,
): Promise<DestinationStream> => {
  const output = plainOutput(dest);
  if (production || !isatty(dest)) return output;
  // A development dependency, which the container's image does not have.
  const pretty = await import("pino-pretty").catch(() => undefined);
  if (pretty === undefined) return output;
  const format = pretty.prettyFactory({
    colorize: true,
    translateTime: "SYS:HH:MM:ss.l",
    singleLine: true,
  });
  return { write: (line) => output.write(format(line)) };
};
