import type { Database } from "../db/connection/database.ts";
import { readSides, type Side } from "../db/conversations.ts";
import { createGroupCommit } from "./group_commit.ts";

/** Reads the current state of a pair from the view of one of its two users. */
export interface SideReader {
  /** The state at some moment after the call; null if the user is not part of this conversation. */
  read(conversationId: number, meId: number): Promise<Side | null>;
}

const BATCH_MAX = 128;
const BATCHES_MAX = 4;

/** Reads that arrive together share a statement: reading one row costs as much as reading twenty. */
export function createSideReader({ database }: { database: Database }): SideReader {
  const reads = createGroupCommit<{ conversation_id: number; me_id: number }, Side | null>({
    run: (asked) => database.run((sql) => readSides(sql, asked)),
    jobsMax: BATCH_MAX,
    batchesMax: BATCHES_MAX,
  });
  return { read: (conversation_id, me_id) => reads.add({ conversation_id, me_id }) };
}
