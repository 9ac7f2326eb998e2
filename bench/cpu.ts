// CPU time and memory of processes, from /proc (Linux, proc(5)).

/** Clock ticks of the kernel; 100 a second on every Linux. */
const TICKS_PER_SECOND = 100;

interface Stat {
  pid: number;
  parent: number;
  /** CPU seconds of the process itself, user and system. */
  own: number;
  /** CPU seconds of children that have ended. */
  gone: number;
}

async function readStat(pid: number | string): Promise<Stat | null> {
  const text = await Deno.readTextFile(`/proc/${pid}/stat`).catch(() => null);
  if (text === null) return null;
  // The process name in parentheses may contain spaces; the fields after it begin with number 3.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ").map(Number);
  const seconds = (...places: number[]) =>
    places.reduce((sum, place) => sum + fields[place - 3]!, 0) / TICKS_PER_SECOND;
  return { pid: parseInt(text), parent: fields[1]!, own: seconds(14, 15), gone: seconds(16, 17) };
}

/** CPU seconds of a process since its start. */
export async function cpuSecondsOf(pid: number): Promise<number> {
  return (await readStat(pid))?.own ?? 0;
}

/** CPU seconds of a server and of all its child processes, past ones included. */
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

/** Memory of a process in bytes: `VmRSS` now, `VmHWM` at its peak. */
export async function memoryOf(pid: number, what: "VmRSS" | "VmHWM" = "VmRSS"): Promise<number> {
  const text = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(text.match(new RegExp(`^${what}:\\s+(\\d+) kB`, "m"))![1]) * 1024;
}

/** Resets `VmHWM` (proc(5), clear_refs). */
export async function forgetPeakOf(pid: number): Promise<void> {
  await Deno.writeTextFile(`/proc/${pid}/clear_refs`, "5");
}
