// Which screen is shown: the part of the address behind its #, which no server ever sees.

import { createStore } from "./model.ts";

export type Route =
  | { at: "chats" }
  | { at: "add"; phone?: string }
  | { at: "invites" }
  | { at: "thread"; phone: string }
  | { at: "person"; phone: string }
  | { at: "settings" }
  | { at: "devices" };

/** The screens that are of nobody. */
const PLAIN = ["add", "invites", "settings", "devices"] as const;

export type Router = ReturnType<typeof createRouter>;

/** What an entry of the history is marked with. */
interface Mark {
  /** Steps that history.back() can undo without leaving the pages. Every entry of ours has its own. */
  depth: number;
  /** Who was signed in; nobody where that is not known. */
  of?: string;
}

/** @param person who is signed in: what somebody else has seen here is shown to nobody who comes after */
export function createRouter(person: () => string | undefined) {
  const isForeign = (mark: Mark | null) => mark?.of !== undefined && mark.of !== person();
  const store = createStore<{ route: Route; before: Route | null }>({
    route: isForeign(history.state) ? { at: "chats" } : parse(location.hash),
    before: null,
  });
  /** Who is asked before a step back leaves the screen: the innermost last. */
  const guards: (() => void)[] = [];
  let depth: number = history.state?.depth ?? 0;
  history.replaceState(mark(), "", addressOf(store.get().route));

  function mark(): Mark {
    const of = person();
    return of === undefined ? { depth } : { depth, of };
  }

  /** Shows what an address says that did not come from here. */
  function goTo(hash: string): void {
    go(parse(hash));
  }

  addEventListener("popstate", () => {
    // An address that somebody typed is a step on.
    if (history.state === null) history.replaceState({ ...mark(), depth: depth + 1 }, "");
    const to: number = history.state.depth;
    const guard = guards[guards.length - 1];
    // The browser's own step back is held up as ours is, by taking it once more.
    if (guard && to < depth) {
      history.pushState(mark(), "", addressOf(store.get().route));
      return guard();
    }
    depth = to;
    if (isForeign(history.state)) return to > 0 ? history.go(-to) : begin();
    show(parse(location.hash));
  });

  function show(route: Route): void {
    store.set({ route, before: store.get().route });
  }

  function go(route: Route, { replace = false }: { replace?: boolean } = {}): void {
    if (write(route) === write(store.get().route)) return;
    if (!replace) depth += 1;
    history[replace ? "replaceState" : "pushState"](mark(), "", addressOf(route));
    show(route);
  }

  /** The first screen, in the place of this one. */
  function begin(): void {
    history.replaceState(mark(), "", addressOf({ at: "chats" }));
    show({ at: "chats" });
  }

  return {
    store,
    go,
    goTo,
    begin,
    /** One step back: out of what is open on the screen, or to the screen before. */
    back() {
      const guard = guards[guards.length - 1];
      if (guard) return guard();
      if (depth > 0) return history.back();
      go(above(store.get().route), { replace: true });
    },
    /** Until the result is called, a step back calls this instead. */
    guard(leave: () => void): () => void {
      guards.push(leave);
      return () => void guards.splice(guards.indexOf(leave), 1);
    },
  };
}

function addressOf(route: Route): string {
  return location.pathname + location.search + write(route);
}

function parse(hash: string): Route {
  const [, at, phone] = decoded(hash).split("/");
  const isOfSomebody = at === "thread" || at === "person" || at === "add";
  if (isOfSomebody && /^\+?\d+$/.test(phone ?? "")) return { at, phone: phone! };
  const plain = PLAIN.find((one) => one === at);
  return plain ? { at: plain } : { at: "chats" };
}

/** Nothing where it cannot be decoded. */
function decoded(hash: string): string {
  try {
    return decodeURIComponent(hash);
  } catch {
    return "";
  }
}

function write(route: Route): string {
  if (route.at === "chats") return "";
  return "phone" in route ? `#/${route.at}/${route.phone}` : `#/${route.at}`;
}

function above(route: Route): Route {
  if (route.at === "person") return { at: "thread", phone: route.phone };
  if (route.at === "invites") return { at: "add" };
  return route.at === "devices" ? { at: "settings" } : { at: "chats" };
}
