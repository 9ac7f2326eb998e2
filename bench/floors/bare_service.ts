/** What Deno takes for a send and for a socket when nothing is done: what it is sent it forgets. */

import { serve } from "./serving.ts";

let lastId = 0;

serve({ send: () => lastId += 1, change() {}, meet() {} });
