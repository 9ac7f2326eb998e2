// The frame of every screen: a title and what can be done, in the header where there is room, as soft keys where not.

import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { useApp, useModel, useTexts } from "../context.ts";
import { focusFirst } from "../keys.ts";
import { EnterKey } from "./enter_key.tsx";
import { Icon, type IconName } from "./icons.tsx";

export interface ScreenKey {
  /** One short word, for the bar. */
  label: string;
  /** All of it, for the header's picture. */
  name: string;
  icon: IconName;
  onPress: () => void;
}

interface ScreenProps {
  title: string;
  /** In the title's place, where it is more than words. */
  heading?: ComponentChildren;
  hasBack?: boolean;
  left?: ScreenKey;
  right?: ScreenKey;
  class?: string;
  children: ComponentChildren;
  /** Stays below while the rest scrolls. */
  foot?: ComponentChildren;
  /** Whether what it is for is there, and not still on its way. */
  isFilled?: boolean;
  /** Scrolls by itself. */
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

/** Says so where what is seen may be old. */
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

/** The focus goes to what the screen is for; on a screen that came beside another, only where that one had it not. */
function enterScreen(frame: HTMLElement): void {
  if (!frame.closest("aside") || document.activeElement === document.body) focusFirst(frame);
}

/** Whoever came before what the screen is for has not moved on from the header yet. */
function fillScreen(frame: HTMLElement): void {
  if (frame.querySelector("header")!.contains(document.activeElement)) focusFirst(frame);
}
