// Storage of messages that are not sent yet. IndexedDB is slow, and may be full, forbidden or missing. So a
// text is stored in local storage at once, and a file in this window's memory, until IndexedDB has it; what
// it never accepts is sent from there. Only drafts of the signed-in user are listed. Each text has a key of
// its own: a window sees writes of others a moment late, so with one shared list it would overwrite theirs.

import type { LocalDatabase } from "./database.ts";
import type { ApiError } from "./http.ts";
import { local } from "./storage.ts";
import { rowsWith } from "./stored_data.ts";

export interface Draft {
  client_id: string;
  /** The writer's number; missing in drafts that an older version stored. */
  from?: string;
  phone_number: string;
  message_type: "text" | "audio" | "video";
  message: string;
  created_at: string;
  file?: Blob;
  /** The id of its upload, once begun. */
  upload?: string | null;
  /** The error code that the service refused it with. */
  failed?: ApiError["code"] | null;
  /** Whether the browser cannot store it, so that it is lost when this window closes. */
  isOnlyHere?: boolean;
}

const TEXTS = ["client_id", "phone_number", "message_type", "message", "created_at"] as const;

export type Drafts = ReturnType<typeof createDrafts>;

/** @param from returns the number of the signed-in user */
export function createDrafts(
  { database, name, from }: { database: LocalDatabase; name: string; from: () => string | undefined },
) {
  /** Prefix of the keys in local storage. Names of profiles have no spaces, so two prefixes never overlap. */
  const start = `${name}.leaving `;
  let files: Draft[] = [];
  /** Texts that do not fit into local storage, by client_id. */
  const roomless = new Set<string>();
  let isFull = false;
  let storing = Promise.resolve();

  const isOnlyHere = ({ file, client_id }: Draft) => file !== undefined || roomless.has(client_id);
  const isNamed = (clientId: string) => ({ client_id }: Draft) => client_id === clientId;
  const isMine = (draft: Draft) => draft.from === undefined || draft.from === from();
  const stored = async () => rowsWith<Draft & { seq: number }>(await database.all("outbox"), TEXTS);

  /** Drafts that IndexedDB has not stored yet, oldest first. */
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

  // An older version stored them as one list.
  rowsWith<Draft>(local.read(`${name}.leaving`), TEXTS).forEach(keep);
  local.put(`${name}.leaving`, null);

  /** Stores a draft at once, so that a text survives if the window is closed next. */
  function begin(draft: Draft): void {
    const owner = from();
    keep({ ...draft, ...(owner === undefined ? {} : { from: owner }) });
  }

  /** Moves the drafts that IndexedDB does not have yet into it, one at a time. */
  function store(): Promise<void> {
    return storing = storing.then(async () => {
      try {
        for (const draft of leaving().filter(isMine)) {
          const same = isNamed(draft.client_id);
          const isThere = (await stored()).some(same);
          // Discarded in the meantime, or its writer has signed out: it must not come back.
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
    // Read first: a draft that is moved during this is then found twice rather than not at all.
    const left = leaving().map((draft) => ({ ...draft, isOnlyHere: isFull && isOnlyHere(draft) }));
    const rows: Draft[] = await stored().catch(() => []);
    // Deduplicated: two windows that move a draft at the same time store it twice.
    const byId = new Map<string, Draft>();
    for (const draft of [...rows, ...left]) if (!byId.has(draft.client_id)) byId.set(draft.client_id, draft);
    return [...byId.values()].filter(isMine);
  }

  /** Changes a draft; does nothing if it was discarded in the meantime. */
  async function update(clientId: string, change: Partial<Draft>): Promise<void> {
    await storing;
    const rows = await stored().catch(() => []);
    const row = rows.find(isNamed(clientId));
    // If there is no room for the change, only the change is lost.
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

  /** To be called in every window when another user signs in or nobody is signed in any more. */
  function dropForeign(): void {
    files = files.filter(isMine);
  }

  return { begin, store, list, update, remove, dropForeign, clear };
}
