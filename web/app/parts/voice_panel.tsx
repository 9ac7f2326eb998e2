// Records a voice message from the moment it opens; it can be played before it is sent.

import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError } from "../../client.ts";
import { sentenceOf, useTexts } from "../context.ts";
import { Alert } from "./field.tsx";
import { useFocus } from "./focus.ts";
import { Icon } from "./icons.tsx";
import { Player } from "./player.tsx";
import { minutesOf } from "./time.ts";

interface VoicePanelProps {
  onSend: (voice: Blob) => void;
  close: () => void;
}

/** Browsers support different formats; the service plays all of these. */
const TYPES = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"];

export function VoicePanel({ onSend, close }: VoicePanelProps) {
  const texts = useTexts();
  const { seconds, voice, trouble, isBegun, stop } = useRecorder();
  const first = useFocus<HTMLButtonElement>(voice ?? `${trouble} ${isBegun}`);
  const address = useRef<string | null>(null);
  useEffect(() => () => {
    if (address.current) URL.revokeObjectURL(address.current);
  }, []);
  if (trouble) {
    return (
      <div class="panel">
        <Alert>{sentenceOf(texts, new ApiError("microphone", ""))}</Alert>
        <button type="button" class="second" ref={first} onClick={close}>{texts.keys.back}</button>
      </div>
    );
  }
  if (!isBegun) {
    return (
      <div class="panel">
        <p role="status">{texts.voice.asking}</p>
        <button type="button" class="second" ref={first} onClick={close}>{texts.keys.cancel}</button>
      </div>
    );
  }
  if (!voice) {
    return (
      <div class="panel">
        <p class="recording" role="status">
          <span class="dot" /> {texts.voice.recording}{" "}
          <span class="length" aria-hidden="true">{minutesOf(seconds)}</span>
        </p>
        <div class="pair" data-row>
          <button type="button" class="primary" key="stop" ref={first} onClick={stop}>
            <Icon name="stop" /> {texts.keys.stop}
          </button>
          <button type="button" class="second" onClick={close}>{texts.thread.discard}</button>
        </div>
      </div>
    );
  }
  return (
    <div class="panel">
      <p role="status">{texts.voice.ready}</p>
      <Player
        kind="audio"
        seconds={seconds}
        address={() => Promise.resolve(address.current ??= URL.createObjectURL(voice))}
      />
      <div class="pair" data-row>
        <button type="button" class="primary" key="send" ref={first} onClick={() => onSend(voice)}>
          <Icon name="send" /> {texts.keys.send}
        </button>
        <button type="button" class="second" onClick={close}>{texts.thread.discard}</button>
      </div>
    </div>
  );
}

function useRecorder() {
  const [seconds, setSeconds] = useState(0);
  const [voice, setVoice] = useState<Blob | null>(null);
  const [trouble, setTrouble] = useState(false);
  const [isBegun, setBegun] = useState(false);
  const recorder = useRef<MediaRecorder | null>(null);
  useEffect(() => {
    let isOver = false;
    const end = record({
      onTime: setSeconds,
      onDone: (recorded) => !isOver && setVoice(recorded),
      onBegun: (begun) => {
        recorder.current = begun;
        setBegun(true);
      },
      onTrouble: () => setTrouble(true),
    });
    return () => {
      isOver = true;
      end();
    };
  }, []);
  return { seconds, voice, trouble, isBegun, stop: () => recorder.current?.stop() };
}

/**
 * Records until the recorder is stopped. The returned function stops it in any case and releases the
 * microphone.
 */
function record(
  { onTime, onDone, onBegun, onTrouble }: {
    onTime: (seconds: number) => void;
    onDone: (voice: Blob) => void;
    onBegun: (recorder: MediaRecorder) => void;
    onTrouble: () => void;
  },
): () => void {
  let timer: ReturnType<typeof setInterval> | undefined;
  let stream: MediaStream | null = null;
  let isOver = false;
  const free = () => {
    clearInterval(timer);
    stream?.getTracks().forEach((track) => track.stop());
  };
  (async () => {
    stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    if (isOver) return free();
    const mimeType = TYPES.find((type) => MediaRecorder.isTypeSupported(type));
    const recorder = new MediaRecorder(stream, mimeType ? { mimeType } : {});
    const parts: Blob[] = [];
    const startedAt = performance.now();
    timer = setInterval(() => onTime((performance.now() - startedAt) / 1_000), 250);
    recorder.ondataavailable = ({ data }) => void parts.push(data);
    recorder.onstop = () => {
      free();
      onTime((performance.now() - startedAt) / 1_000);
      onDone(new Blob(parts, { type: recorder.mimeType.split(";")[0]! }));
    };
    recorder.start();
    onBegun(recorder);
  })().catch(onTrouble);
  return () => {
    isOver = true;
    free();
  };
}
