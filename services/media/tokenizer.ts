// Adapts the bytes of an upload to the interface of the libraries that read them.

import { AbstractTokenizer, EndOfStreamError, type IReadChunkOptions } from "strtok3/core";

import { type Bytes, EndOfBytes } from "./bytes.ts";

/** No relevant header is longer; a longer one is refused before memory is allocated for it. */
const BUFFER_MAX_BYTES = 1024 * 1024;

/**
 * Presents a part of the file as if it were the whole; it ends at the end of the file unless `size` is given.
 */
export class BytesTokenizer extends AbstractTokenizer {
  override fileInfo: { size: number; mimeType?: string };
  readonly #bytes: Bytes;
  readonly #start: number;

  constructor(
    bytes: Bytes,
    { start = 0, size = Infinity, mimeType }: { start?: number; size?: number; mimeType?: string } = {},
  ) {
    super({ maxBufferSize: BUFFER_MAX_BYTES });
    this.#bytes = bytes;
    this.#start = start;
    this.fileInfo = { size: Math.min(size, bytes.size - start), ...(mimeType && { mimeType }) };
  }

  override supportsRandomAccess(): boolean {
    return true;
  }

  setPosition(position: number): void {
    this.position = position;
  }

  override async readBuffer(target: Uint8Array, options?: IReadChunkOptions): Promise<number> {
    const length = await this.peekBuffer(target, options);
    this.position = (options?.position ?? this.position) + length;
    return length;
  }

  override async peekBuffer(target: Uint8Array, options?: IReadChunkOptions): Promise<number> {
    const { length, position, mayBeLess } = this.normalizeOptions(target, options);
    const available = Math.min(length, Math.max(0, this.fileInfo.size - position));
    if (available < length && !mayBeLess) throw new EndOfStreamError();
    try {
      target.set(await this.#bytes.read(this.#start + position, available));
    } catch (error) {
      throw error instanceof EndOfBytes ? new EndOfStreamError() : error;
    }
    return available;
  }
}
