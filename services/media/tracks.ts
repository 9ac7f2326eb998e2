/** What a reader of one container finds in it. */
export interface Tracks {
  audio: boolean;
  video: boolean;
  /** Seconds, or null when the file does not say; may throw for any bytes. */
  duration(): Promise<number | null>;
}

/** One stream of sound and nothing else. */
export function sound(duration: () => Promise<number | null>): Tracks {
  return { audio: true, video: false, duration };
}
