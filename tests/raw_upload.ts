// A raw upload over a connection of its own: sent piece by piece, and broken off as networks do.

import { connect } from "node:net";
import type { Answer } from "./support.ts";
import { joined, partHead } from "./upload_calls.ts";

export interface RawUpload {
  /** Sends more of the file. */
  write(bytes: Uint8Array | string): Promise<void>;
  /** Sends the end of the body. */
  finish(): Promise<void>;
  /** Rejects if the connection ends without an answer. */
  answer: Promise<RawAnswer>;
  /** Closes the connection in order; `reset` resets it. */
  end(): void;
  reset(): void;
}

export interface RawAnswer {
  status: number;
  body: Answer["body"];
}

interface RawOptions {
  token: string;
  /** Declares this length instead of sending chunks. */
  contentLength?: number;
}

const BOUNDARY = "x";

/** Connects and sends everything up to the beginning of the file. */
export async function beginRaw(url: string, { token, contentLength }: RawOptions): Promise<RawUpload> {
  const { hostname, port, host } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  socket.on("error", () => {});
  const chunked = contentLength === undefined;
  const send = (bytes: Uint8Array | string) =>
    new Promise<void>((resolve, reject) => socket.write(bytes, (error) => error ? reject(error) : resolve()));
  const write = (piece: Uint8Array | string) => {
    const bytes = joined(piece);
    if (bytes.length === 0) return Promise.resolve();
    return send(chunked ? joined(bytes.length.toString(16), "\r\n", bytes, "\r\n") : bytes);
  };
  const lines = [
    "POST /api/messages/upload_media?media_type=audio HTTP/1.1",
    `Host: ${host}`,
    `Authorization: Bearer ${token}`,
    `Content-Type: multipart/form-data; boundary=${BOUNDARY}`,
    chunked ? "Transfer-Encoding: chunked" : `Content-Length: ${contentLength}`,
  ];
  const answer = readAnswer(socket);
  answer.catch(() => {});
  await send(`${lines.join("\r\n")}\r\n\r\n`);
  await write(`--${BOUNDARY}\r\n${partHead("file")}\r\n\r\n`);
  return {
    write,
    async finish() {
      await write(`\r\n--${BOUNDARY}--\r\n`);
      if (chunked) await send("0\r\n\r\n");
    },
    answer,
    end: () => void socket.end().destroySoon(),
    reset: () => void socket.resetAndDestroy(),
  };
}

function readAnswer(socket: ReturnType<typeof connect>): Promise<RawAnswer> {
  let text = "";
  return new Promise((resolve, reject) => {
    socket.on("close", () => reject(new Error(`Connection ended after: ${text}`)));
    socket.on("data", (bytes) => {
      text += bytes.toString();
      const [, head, body] = text.match(/^([^]*?)\r\n\r\n([^]*)$/) ?? [];
      if (head === undefined || body === undefined) return;
      if (body.length < Number(head.match(/content-length: (\d+)/i)?.[1] ?? Infinity)) return;
      resolve({ status: Number(head.split(" ")[1]), body: JSON.parse(body) });
      socket.destroy();
    });
  });
}
