import { formatRate, LIMIT_TABLE } from "../services/limits/table.ts";
import { deepEqual } from "./assert.ts";

Deno.test("README: its table of limits is the one in the code", async () => {
  const readme = await Deno.readTextFile(new URL("../README.md", import.meta.url));
  const section = readme.split("\n## Limits\n")[1]!.split("\n## ")[0]!;
  const rows = section.split("\n").filter((line) => line.startsWith("|")).slice(2);
  const cells = rows.map((row) => row.split("|").slice(1, -1).map((cell) => cell.trim()));

  deepEqual(
    cells,
    Object.entries(LIMIT_TABLE).map(([name, limit]) => [
      `\`${name}\``,
      limit.about,
      limit.key,
      `\`${"rates" in limit ? limit.rates.map(formatRate).join(", ") : limit.count}\``,
      limit.store,
      limit.store === "database" ? "closed" : "open",
      limit.paidOnly ? "yes" : "",
    ]),
  );
});
