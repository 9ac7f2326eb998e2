// Where messages on their way are kept. The database takes its time, and may be full, forbidden or gone: so a text is in
// local storage at once, and a file in this window's memory, until the database has it. What it never takes is sent from
// there, and nothing of anybody but who is signed in. Each text has a key of its own: windows learn a moment late of what
// the others write, and one that wrote a list would write over what was new in it.

import type { LocalDatabase } from "./database.ts";
import type { ApiError } from "./http.ts";
import { rowsWith } from "./kept.ts";
import { local } from "./storage.ts";

export interface Draft {
  client_id: string;
  /** Whose it is; not known of what was written before this was kept. */
  from?: string;
  phone_number: string;
  message_type: "text" | "audio" | "video";
  message: string;
  created_at: string;
  file?: Blob;
  /** What was begun of its upload. */
  upload?: string | null;
  /** The code of a refusal. */
  failed?: ApiError["code"] | null;
  /** The browser cannot keep it: it goes with its window. */
  isOnlyHere?: boolean;
}

const TEXTS = ["client_id", "phone_number", "message_type", "message", "created_at"] as const;

export type Drafts = ReturnType<typeof createDrafts>;

/** @param from whose drafts these are */
export function createDrafts(
  { database, name, from }: { database: LocalDatabase; name: string; from: () => string | undefined },
) {
  /** No name of a profile has a space in it. */
  const start = `${name}.leaving `;
  let files: Draft[] = [];
  /** Texts for which there is no room, by client_id. */
  const roomless = new Set<string>();
  let isFull = false;
  let storing = Promise.resolve();

  const isOnlyHere = ({ file, client_id }: Draft) => file !== undefined || roomless.has(client_id);
  const isNamed = (clientId: string) => ({ client_id }: Draft) => client_id === clientId;
  const isMine = (draft: Draft) => draft.from === undefined || draft.from === from();
  const stored = async () => rowsWith<Draft & { seq: number }>(await database.all("outbox"), TEXTS);

  /** What the database has not taken yet, as it was written. */
  function leaving(): Draft[] {
    const texts = local.keys(start).map((key) => local.read(key));
    const all = [...rowsWith<Draft>(texts, TEXTS), ...files];
    return all.sort((one, other) => one.created_at < other.created_at ? -1 : 1);
  }

  function keep(draft: Draft): void {
    drop(draft);
    if (draft.file) files = [...files, draft];
    else if (!local.write(start + draft.client_id, draft)) roomless.add(draft.client_id);
  }

  function drop({ client_id }: Draft): void {
    files = files.filter((file) => file.client_id !== client_id);
    local.put(start + client_id, null);
    roomless.delete(client_id);
  }

  function clear(): void {
    for (const key of local.keys(start)) local.put(key, null);
    files = [];
    roomless.clear();
  }

  // A version before this one kept them in a list.
  rowsWith<Draft>(local.read(`${name}.leaving`), TEXTS).forEach(keep);
  local.put(`${name}.leaving`, null);

  /** At once: whoever closes the window next has lost no text. */
  function begin(draft: Draft): void {
    const owner = from();
    keep({ ...draft, ...(owner === undefined ? {} : { from: owner }) });
  }

  /** Gives to the database what it has not taken yet, one after the other. */
  function store(): Promise<void> {
    return storing = storing.then(async () => {
      try {
        for (const draft of leaving().filter(isMine)) {
          const same = isNamed(draft.client_id);
          const isThere = (await stored()).some(same);
          // What was given up meanwhile, or left by its writer, stays gone.
          if (!isThere && leaving().some(same)) await database.put("outbox", draft);
          drop(draft);
        }
        isFull = false;
      } catch {
        isFull = true;
      }
    });
  }

  async function list(): Promise<Draft[]> {
    // Looked at first: what is moved meanwhile is in both, and not in neither.
    const left = leaving().map((draft) => ({ ...draft, isOnlyHere: isFull && isOnlyHere(draft) }));
    const rows: Draft[] = await stored().catch(() => []);
    // Once each: two windows that give it to the database at the same time give it twice.
    const byId = new Map<string, Draft>();
    for (const draft of [...rows, ...left]) if (!byId.has(draft.client_id)) byId.set(draft.client_id, draft);
    return [...byId.values()].filter(isMine);
  }

  /** Nothing where it was given up meanwhile. */
  async function update(clientId: string, change: Partial<Draft>): Promise<void> {
    await storing;
    const rows = await stored().catch(() => []);
    const row = rows.find(isNamed(clientId));
    // Without room for the change it is only not remembered.
    if (row) await database.change("outbox", row.seq, change).catch(() => {});
    else leaving().filter(isNamed(clientId)).forEach((draft) => keep({ ...draft, ...change }));
  }

  async function remove(clientId: string): Promise<void> {
    await storing;
    leaving().filter(isNamed(clientId)).forEach(drop);
    const rows = await stored().catch(() => []);
    for (const { seq } of rows.filter(isNamed(clientId))) await database.remove("outbox", seq);
  }

  addEventListener("beforeunload", (event) => {
    if (leaving().filter(isMine).some(isOnlyHere)) event.preventDefault();
  });

  /** In each window, when somebody else signed in or nobody is. */
  function dropForeign(): void {
    files = files.filter(isMine);
  }

  return { begin, store, list, update, remove, dropForeign, clear };
}
