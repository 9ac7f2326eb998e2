// deno-lint-ignore-file prefer-ascii -- emoji are not ASCII

import { useTexts } from "../context.ts";
import { useFocus } from "./focus.ts";

const EMOJI = [
  ..."😀😄😂🤣😊😍😘😎🤗🤔😏😴😢😭😡🥳😇🙃😉😋",
  ..."👍👎👏🙏💪👋✌🤞👌🤝🙌💃🎉🎂🎁🔥✨🌟💯🚀",
  ..."🐧🐦🐶🐱🌞🌈🌊🌹🍀🍎🍕🍺🚗✈⚽🎵📷📞💡⏰",
].concat(["❤️", "💙", "💔", "☀️", "☕"]);

/** A grid of emoji. It stays open after a choice, because one is seldom enough. */
export function Emoji({ onPick }: { onPick: (emoji: string) => void }) {
  const texts = useTexts();
  const first = useFocus<HTMLButtonElement>();
  return (
    <div class="panel emoji" role="group" aria-label={texts.thread.emoji} data-grid data-scroll>
      {EMOJI.map((emoji, at) => (
        <button
          type="button"
          key={emoji}
          ref={at === 0 ? first : null}
          onClick={() => onPick(emoji)}
        >
          {emoji}
        </button>
      ))}
    </div>
  );
}
