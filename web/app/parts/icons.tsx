// Icons, drawn as lines in the colour of the text; and the logo.

const LINES = {
  add: "M12 5v14M5 12h14",
  back: "M15 5l-7 7 7 7",
  clip: "M8 12.500l6-6a3 3 0 0 1 4.300 4.300l-8 8a5 5 0 0 1-7-7l7.500-7.500",
  close: "M6 6l12 12M18 6L6 18",
  devices: "M4 5h12v9H4zM2 18h12M17 9h4v10h-4z",
  film: "M4 6h11v12H4zM15 10l6-3v10l-6-3",
  mic: "M12 3a3 3 0 0 1 3 3v6a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3zM6 11a6 6 0 0 0 12 0M12 17v4",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  pause: "M8 5v14M16 5v14",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 21c0-5 3.500-7 8-7s8 2 8 7",
  play: "M8 5l11 7-11 7z",
  save: "M12 4v10M7.500 10l4.500 4.500 4.500-4.500M5 19h14",
  send: "M4 12l16-8-6 17-3-7z",
  settings: "M4 7h9M17 7h3M13 5v4M4 17h3M11 17h9M7 15v4",
  smile:
    "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM8.500 14.500c1 1.300 2 2 3.500 2s2.500-.7 3.500-2M9 9.500h.01M15 9.500h.01",
  stop: "M6 6h12v12H6z",
} as const;

export type IconName = keyof typeof LINES;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class={`icon icon-${name}`} viewBox="0 0 24 24" aria-hidden="true">
      <path d={LINES[name]} />
    </svg>
  );
}

const TICKS = {
  waiting: "M12 6v6l4 2M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z",
  failed: "M12 7v6M12 17h.01M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z",
  created: "M5 13l4 4L18 7",
  delivered: "M2 13l4 4L14 8M10 16l1.500 1.500L21 8",
  seen: "M2 13l4 4L14 8M10 16l1.500 1.500L21 8",
} as const;

export type Status = keyof typeof TICKS;

/** The status of a message, told by its shape and its label, not by colour alone. */
export function Ticks({ status, label }: { status: Status; label: string }) {
  return (
    <svg class={`ticks ticks-${status}`} viewBox="0 0 24 24" role="img" aria-label={label}>
      <path d={TICKS[status]} />
    </svg>
  );
}

/** The logo: a puffin whose head is a speech bubble. The same as static/mark.svg. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 64 64" aria-hidden="true">
      <path
        class="mark-head"
        d="M29 3c15 0 26 11 26 26S44 55 29 55c-4 0-8-1-11-2L6 60c-1 .6-2-.4-1.700-1.500l3-12C4.500 41 3 35 3 29 3 14 14 3 29 3z"
      />
      <path fill="#fff" d="M31 14c11 0 17 7 17 16s-7 15-16 15-16-7-16-15 5-16 15-16z" />
      <path fill="#18262f" d="M30 19.500l7.500 8.500-8.500.500-3-4.500z" />
      <circle cx="31.800" cy="26" r="2.300" fill="#fff" />
      <circle cx="32.300" cy="26" r="1.300" fill="#18262f" />
      <path
        fill="#41596b"
        d="M41 17.500c3 0 5 .4 7 1.200-1.500 8-1.500 17 .5 24.800-3 .8-5 .6-7-.5-2.500-8-2.700-17-.5-25.500z"
      />
      <path
        fill="#f6c445"
        d="M48 18.700l2.600 1.300c-1.200 7-1.100 15 .5 22l-2.600 1.500c-2-7.800-2-16.800-.5-24.800z"
      />
      <path
        fill="#ef5b2b"
        d="M50.600 20C57 23.500 61.500 29 61.800 33.500c-2 3.800-6 7-10.700 8.500-1.600-7-1.700-15-.5-22z"
      />
    </svg>
  );
}
