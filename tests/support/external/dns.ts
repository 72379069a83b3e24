import { createSocket } from "node:dgram";
import { once } from "node:events";

/** A DNS server that knows one set of IPv4 addresses, whatever the name is. */
interface Dns {
  /** 127.0.0.1:port */
  address: string;
  /** What it responds from now on, as Docker's does after the number of a service's containers changed. */
  set: (addresses: readonly string[]) => void;
  close: () => void;
}

const [headerBytes, typeA] = [12, 1];

/** Returns where the question of a query ends: after its name, type and class. */
const endOfQuestion = (query: Buffer): number => {
  let at = headerBytes;
  while (query.readUInt8(at) > 0) at += query.readUInt8(at) + 1;
  return at + 5;
};

/** Starts a DNS server on a free port of UDP. */
export const startDns = async (initial: readonly string[]): Promise<Dns> => {
  let addresses = initial;
  const socket = createSocket("udp4");
  socket.on("message", (query, { address, port }) => {
    const end = endOfQuestion(query);
    const found = query.readUInt16BE(end - 4) === typeA ? addresses : [];
    const answers = found.map((each) => {
      // The name is a pointer to the question. Then: type A, class IN, 600 s, 4 bytes.
      const record = [0xc0, headerBytes, 0, typeA, 0, 1, 0, 0, 2, 88, 0, 4];
      return Buffer.from([...record, ...each.split(".").map(Number)]);
    });
    // A response without an error to one question; nothing in the last two sections.
    const header = Buffer.from([0x81, 0x80, 0, 1, 0, found.length, 0, 0, 0, 0]);
    const question = query.subarray(headerBytes, end);
    socket.send(Buffer.concat([query.subarray(0, 2), header, question, ...answers]), port, address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return {
    address: `127.0.0.1:${socket.address().port}`,
    set: (next) => (addresses = next),
    close: () => socket.close(),
  };
};
