import { type DatabaseNews, watchOutages } from "../db/connection/outage_watch.ts";
import { OpeningRefused } from "../db/connection/outages.ts";
import { DatabaseUnavailable } from "../db/connection/unavailable.ts";
import { deepEqual } from "./assert.ts";

function watched() {
  const time = { ms: 0 };
  const news: DatabaseNews[] = [];
  const watch = watchOutages(() => "here", () => time.ms);
  watch.onNews((heard) => void news.push(heard));
  const heard = () =>
    news.splice(0).map((one) =>
      one.event === "back" ? `back after ${one.afterMs}` : `${one.event} ${one.reason}`
    );
  return { time, watch, heard };
}

const withCode = (code: string, message = "+14155550101") => Object.assign(new Error(message), { code });

Deno.test("an outage is reported at once, each reason again every ten seconds, and its end when nothing fails any more", () => {
  const { time, watch, heard } = watched();
  watch.worked();
  deepEqual(heard(), []);
  for (; time.ms <= 25_000; time.ms += 100) {
    watch.failed(withCode("53100"));
    watch.worked();
    if (time.ms === 5_000) watch.failed(withCode("ECONNREFUSED"));
  }
  deepEqual(heard(), ["away disk full", "away no server there", "away disk full", "away disk full"]);
  watch.worked();
  deepEqual(heard(), []);
  time.ms = 40_000;
  watch.worked();
  watch.worked();
  deepEqual(heard(), ["back after 25000"]);
});

Deno.test("an outage that comes and goes is not reported more often", () => {
  const { time, watch, heard } = watched();
  const seen: string[] = [];
  for (; time.ms < 60_000; time.ms += 5_000) {
    watch.failed(withCode("57014"));
    time.ms += 2_000;
    watch.worked();
    seen.push(...heard());
  }
  const away = "away statement took too long, perhaps waiting for a lock";
  deepEqual(seen, Array(5).fill([away, "back after 2000"]).flat());
});

Deno.test("a lock that holds up calls is no outage, and is reported every ten seconds", () => {
  const { time, watch, heard } = watched();
  for (; time.ms <= 12_000; time.ms += 100) watch.heldUp(withCode("55P03"));
  watch.worked();
  time.ms = 60_000;
  watch.worked();
  deepEqual(heard(), Array(2).fill("held somebody else's transaction holds a lock"));
});

Deno.test("the reason is that of the innermost code, and is a message only if it is not from PostgreSQL", () => {
  const told = (error: unknown) => {
    const { watch, heard } = watched();
    watch.failed(error);
    return heard()[0];
  };
  const login = new OpeningRefused("Connection was not opened", { cause: withCode("28P01") });
  deepEqual(told(login), "away login refused");
  deepEqual(told(new DatabaseUnavailable("Outside", { cause: login })), "away login refused");
  deepEqual(told(withCode("53400")), "away out of resources");
  deepEqual(told(withCode("99999")), "away failed");
  deepEqual(told(new DatabaseUnavailable("Database does not answer")), "away Database does not answer");
  deepEqual(told("+14155550101"), "away failed");
});
