import { readSides, type Side } from "../db/conversations.ts";
import type { Database } from "../db/connection/database.ts";
import { createGroupCommit } from "./group_commit.ts";

/** How pairs stand just now, as one of the two sees them. */
export interface SideReader {
  /** As it is at some moment after the call; null where the user is none of the two. */
  read(conversationId: number, meId: number): Promise<Side | null>;
}

const BATCH_MAX = 128;
const BATCHES_MAX = 4;

/** What is asked for at the same time is read together: a statement for one costs as much as one for twenty. */
export function createSideReader({ database }: { database: Database }): SideReader {
  const reads = createGroupCommit<{ conversation_id: number; me_id: number }, Side | null>({
    run: (asked) => database.run((sql) => readSides(sql, asked)),
    jobsMax: BATCH_MAX,
    batchesMax: BATCHES_MAX,
  });
  return { read: (conversation_id, me_id) => reads.add({ conversation_id, me_id }) };
}
