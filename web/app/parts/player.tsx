// Plays audio and video in place; what this browser cannot play is offered as a download. The signed address
// is requested at the first play, and again once it has expired.

import { useRef, useState } from "preact/hooks";
import { ApiError, refusalOf } from "../../client.ts";
import { useAction, useTexts } from "../context.ts";
import { Icon } from "./icons.tsx";
import { minutesOf } from "./time.ts";

interface PlayerProps {
  kind: "audio" | "video";
  /** The duration as measured by the service; recordings of phones often do not contain theirs. */
  seconds: number;
  address: () => Promise<string>;
  onPlayed?: () => void;
}

export function Player({ kind, seconds, address, onPlayed }: PlayerProps) {
  const texts = useTexts();
  const { act } = useAction();
  const media = useRef<HTMLVideoElement>(null);
  const [at, setAt] = useState(0);
  const [isPlaying, setPlaying] = useState(false);
  const [isKnown, setKnown] = useState(false);
  const [isForeign, setForeign] = useState(false);
  const length = Math.max(seconds, at, 0.1);

  const start = async () => {
    const element = media.current!;
    if (!element.src || element.error) {
      element.src = await address();
      setKnown(true);
      element.currentTime = at;
    }
    try {
      if (await begins(element)) onPlayed?.();
    } catch (error) {
      setForeign(error instanceof ApiError && error.code === "unplayable");
      throw error;
    }
  };
  const save = async () => {
    // An empty name: the file is named by the service.
    Object.assign(document.createElement("a"), { href: await address(), download: "" }).click();
    onPlayed?.();
  };
  const pause = () => media.current!.pause();
  const key = isForeign ? "save" : isPlaying ? "pause" : "play";
  const press = () => act(async () => await { save, pause, play: start }[key]());
  const seek = (seconds: number) => {
    setAt(seconds);
    if (media.current!.src) media.current!.currentTime = seconds;
  };
  const element = {
    ref: media,
    preload: "none",
    // An element that is removed while it plays pauses, and fires this once more.
    onTimeUpdate: () => media.current && setAt(media.current.currentTime),
    onPlay: () => {
      pauseOthers(media.current!);
      setPlaying(true);
    },
    onPause: () => setPlaying(false),
    onEnded: () => seek(0),
  } as const;
  return (
    <div class={`player player-${kind}`} data-row>
      {kind === "video" ? <video {...element} playsInline hidden={!isKnown} /> : <audio {...element} />}
      {kind === "video" && !isKnown && (
        <span class="poster">
          <Icon name="film" />
        </span>
      )}
      <button
        type="button"
        class="key play"
        data-enter={texts.keys[key]}
        aria-label={`${texts.keys[key]}: ${texts.player[kind]}`}
        onClick={press}
      >
        <Icon name={key} />
      </button>
      <input
        type="range"
        min={0}
        max={length}
        step={0.1}
        value={at}
        aria-label={texts.player.position}
        aria-valuetext={`${minutesOf(at)} / ${minutesOf(seconds)}`}
        onInput={({ currentTarget }) => seek(Number(currentTarget.value))}
      />
      <span class="length">{minutesOf(isPlaying || at > 0 ? at : seconds)}</span>
    </div>
  );
}

/**
 * Starts playing. False if it was interrupted because the user went on to something else, which is no error.
 * @throws if it cannot be played; an ApiError where the reason is known
 */
async function begins(element: HTMLMediaElement): Promise<boolean> {
  try {
    await element.play();
    return true;
  } catch (error) {
    const { name } = error as DOMException;
    if (name === "AbortError") return false;
    throw name === "NotSupportedError" ? await whyNot(element.src) : error;
  }
}

/**
 * Finds out why it did not play: browsers report the same error for unsupported media and for a failed
 * request.
 */
async function whyNot(address: string): Promise<ApiError> {
  const answer = await fetch(address, { method: "HEAD" }).catch(() => null);
  if (!answer) return new ApiError("offline", "The media did not come");
  return answer.ok
    ? new ApiError("unplayable", "The browser cannot play it")
    : refusalOf(answer.status, null);
}

function pauseOthers(playing: HTMLMediaElement): void {
  for (const other of document.querySelectorAll<HTMLMediaElement>("audio, video")) {
    if (other !== playing) other.pause();
  }
}
