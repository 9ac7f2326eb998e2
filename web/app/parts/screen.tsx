// The frame of every screen: a title, and actions that are buttons in the header where there is room and soft
// keys where there is not.

import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { useApp, useModel, useTexts } from "../context.ts";
import { focusFirst } from "../keys.ts";
import { EnterKey } from "./enter_key.tsx";
import { Icon, type IconName } from "./icons.tsx";

export interface ScreenKey {
  /** A short word for the bar. */
  label: string;
  /** The full label of the header's button. */
  name: string;
  icon: IconName;
  onPress: () => void;
}

interface ScreenProps {
  title: string;
  /** Replaces the title, where it is more than text. */
  heading?: ComponentChildren;
  hasBack?: boolean;
  left?: ScreenKey;
  right?: ScreenKey;
  class?: string;
  children: ComponentChildren;
  /** Stays at the bottom while the rest scrolls. */
  foot?: ComponentChildren;
  /** Whether the main content is loaded. */
  isFilled?: boolean;
  /** Whether the content brings its own scroller. */
  isOwnScroller?: boolean;
}

export function Screen(
  { title, heading, hasBack = true, left, right, children, foot, ...rest }: ScreenProps,
) {
  const { isFilled = true, isOwnScroller = false } = rest;
  const { router } = useApp();
  const texts = useTexts();
  const frame = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => enterScreen(frame.current!), []);
  useLayoutEffect(() => fillScreen(frame.current!), [isFilled]);
  return (
    <div class={`screen ${rest.class ?? ""}`} data-scope ref={frame}>
      <header class="top" data-row>
        {hasBack && (
          <button
            type="button"
            class="key flips"
            aria-label={texts.keys.back}
            data-enter={texts.keys.back}
            onClick={router.back}
          >
            <Icon name="back" />
          </button>
        )}
        <h1>{heading ?? title}</h1>
        {[left, right].map((key) => key && <HeaderKey key={key.icon} {...key} />)}
      </header>
      <ConnectionBar />
      {isOwnScroller ? children : <div class="body" data-scroll>{children}</div>}
      {foot}
      <div class="keybar" data-keybar>
        <SoftKey side="left" of={left} />
        <EnterKey frame={frame} />
        <SoftKey side="right" of={right} />
      </div>
    </div>
  );
}

function HeaderKey({ name, icon, onPress }: ScreenKey) {
  return (
    <button type="button" class="key wordy" aria-label={name} title={name} onClick={onPress}>
      <Icon name={icon} />
    </button>
  );
}

function SoftKey({ side, of }: { side: "left" | "right"; of: ScreenKey | undefined }) {
  if (!of) return <span />;
  return (
    <button type="button" data-soft={side} onClick={of.onPress}>
      {of.label}
    </button>
  );
}

/** Tells the user when the content may be stale. */
function ConnectionBar() {
  const { client } = useApp();
  const texts = useTexts();
  const connection = useModel((model) => model.session && model.connection);
  if (connection === "displaced") {
    return (
      <p class="strip" role="status">
        {texts.displaced}{" "}
        <button type="button" class="inline" onClick={client.live.open}>{texts.useHere}</button>
      </p>
    );
  }
  return <p class="strip" role="status" hidden={connection !== "connecting"}>{texts.connecting}</p>;
}

/**
 * Focuses the main element of a new screen. One that opens beside another takes the focus only if nothing has
 * it.
 */
function enterScreen(frame: HTMLElement): void {
  if (!frame.closest("aside") || document.activeElement === document.body) focusFirst(frame);
}

/** Focuses the main content once it is loaded, if the focus is still in the header. */
function fillScreen(frame: HTMLElement): void {
  if (frame.querySelector("header")!.contains(document.activeElement)) focusFirst(frame);
}
