/** What the reader of a container found. */
export interface Tracks {
  audio: boolean;
  video: boolean;
  /** Seconds; null if the file does not say. May throw on malformed bytes. */
  duration(): Promise<number | null>;
}

/** Tracks of a file that has one audio stream and nothing else. */
export function sound(duration: () => Promise<number | null>): Tracks {
  return { audio: true, video: false, duration };
}
