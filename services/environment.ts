/** Reads environment variables and collects every problem, so that a single start reports them all. */
export interface Environment {
  /** The trimmed value; null if it is unset, empty or blank. */
  text(name: string): string | null;
  /** As `text`, but a missing one is a problem; `because` says why it is needed. */
  required(name: string, because: string): string;
  /** A value that matches a pattern. The problem never quotes the value, which may be a secret. */
  matching(name: string, form: RegExp, wanted: string): string | null;
  wholeNumber<const Otherwise>(
    name: string,
    range: { min: number; max: number; otherwise: Otherwise },
  ): number | Otherwise;
  oneOf<const Choice extends string, const Otherwise>(
    name: string,
    choices: readonly Choice[],
    otherwise: Otherwise,
  ): Choice | Otherwise;
  /** Comma-separated; blank entries are dropped, but commas alone are a problem. */
  list(name: string): string[];
  /** Notes a problem; only the first one of each variable is kept. */
  refuse(name: string, problem: string): void;
  readonly problems: readonly string[];
}

export function readEnvironment(variables: Record<string, string | undefined>): Environment {
  const problems: string[] = [];
  const refuse = (name: string, problem: string) => {
    if (!problems.some((known) => known.startsWith(`${name}:`))) problems.push(`${name}: ${problem}`);
  };
  const text = (name: string) => variables[name]?.trim() || null;
  return {
    problems,
    refuse,
    text,
    required(name, because) {
      const value = text(name);
      if (value === null) refuse(name, `Is missing: ${because}`);
      return value ?? "";
    },
    matching(name, form, wanted) {
      const value = text(name);
      if (value === null || form.test(value)) return value;
      refuse(name, wanted);
      return null;
    },
    wholeNumber(name, { min, max, otherwise }) {
      const value = text(name);
      if (value === null) return otherwise;
      const number = /^[0-9]+$/.test(value) ? Number(value) : NaN;
      if (number >= min && number <= max) return number;
      refuse(name, `Must be a whole number from ${min} to ${max}, not ${JSON.stringify(value)}`);
      return otherwise;
    },
    oneOf(name, choices, otherwise) {
      const value = text(name);
      if (value === null) return otherwise;
      const choice = choices.find((known) => known === value);
      if (choice !== undefined) return choice;
      refuse(
        name,
        `Must be ${choices.map((known) => `"${known}"`).join(" or ")}, not ${JSON.stringify(value)}`,
      );
      return otherwise;
    },
    list(name) {
      const value = text(name);
      const entries = (value ?? "").split(",").map((entry) => entry.trim()).filter((entry) => entry !== "");
      if (value !== null && entries.length === 0) refuse(name, "Must not consist of commas alone");
      return entries;
    },
  };
}

/** Whether a host name or address is a loopback one, which only this machine can reach. */
export function isLoopback(host: string): boolean {
  return /^(localhost|127\.[0-9.]+|\[?::1\]?)$/i.test(host);
}
