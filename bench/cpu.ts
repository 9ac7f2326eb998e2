// What processes have cost, by /proc (Linux, proc(5)).

/** Of one tick in the kernel's account; 100 a second on every Linux. */
const TICKS_PER_SECOND = 100;

interface Stat {
  pid: number;
  parent: number;
  /** Seconds of CPU, in user and system. */
  own: number;
  /** Of children that have ended. */
  gone: number;
}

async function readStat(pid: number | string): Promise<Stat | null> {
  const text = await Deno.readTextFile(`/proc/${pid}/stat`).catch(() => null);
  if (text === null) return null;
  // The name in parentheses may have spaces; what is counted here begins behind it, with field 3.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ").map(Number);
  const seconds = (...places: number[]) =>
    places.reduce((sum, place) => sum + fields[place - 3]!, 0) / TICKS_PER_SECOND;
  return { pid: parseInt(text), parent: fields[1]!, own: seconds(14, 15), gone: seconds(16, 17) };
}

/** Seconds of CPU of a process, since it began. */
export async function cpuSecondsOf(pid: number): Promise<number> {
  return (await readStat(pid))?.own ?? 0;
}

/** The same of a server and all the processes it has or had. */
export async function cpuSecondsOfFamily(pid: number): Promise<number> {
  let seconds = 0;
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readStat(name);
    if (stat?.pid === pid) seconds += stat.own + stat.gone;
    else if (stat?.parent === pid) seconds += stat.own;
  }
  return seconds;
}

/** What of a process is in memory, in bytes; `VmHWM` is the most it ever was. */
export async function memoryOf(pid: number, what: "VmRSS" | "VmHWM" = "VmRSS"): Promise<number> {
  const text = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(text.match(new RegExp(`^${what}:\\s+(\\d+) kB`, "m"))![1]) * 1024;
}

/** From here on `VmHWM` counts anew (proc(5), clear_refs). */
export async function forgetPeakOf(pid: number): Promise<void> {
  await Deno.writeTextFile(`/proc/${pid}/clear_refs`, "5");
}
