// Routing by the fragment of the URL, which no server ever sees.

import { createStore } from "./model.ts";

export type Route =
  | { at: "chats" }
  | { at: "add"; phone?: string }
  | { at: "invites" }
  | { at: "thread"; phone: string }
  | { at: "person"; phone: string }
  | { at: "settings" }
  | { at: "devices" };

/** Screens without a phone number in their address. */
const PLAIN = ["add", "invites", "settings", "devices"] as const;

export type Router = ReturnType<typeof createRouter>;

/** The state of each history entry. */
interface Mark {
  /** How many steps history.back() can take without leaving the pages. */
  depth: number;
  /** The user who was signed in; missing if unknown. */
  of?: string;
}

/** @param person returns the signed-in user: history of another user is not shown */
export function createRouter(person: () => string | undefined) {
  const isForeign = (mark: Mark | null) => mark?.of !== undefined && mark.of !== person();
  const store = createStore<{ route: Route; before: Route | null }>({
    route: isForeign(history.state) ? { at: "chats" } : parse(location.hash),
    before: null,
  });
  /** Called instead of leaving the screen at a step back, the innermost last. */
  const guards: (() => void)[] = [];
  let depth: number = history.state?.depth ?? 0;
  history.replaceState(mark(), "", addressOf(store.get().route));

  function mark(): Mark {
    const of = person();
    return of === undefined ? { depth } : { depth, of };
  }

  /** Shows the screen of an address that comes from outside, such as a notification. */
  function goTo(hash: string): void {
    go(parse(hash));
  }

  addEventListener("popstate", () => {
    // An entry without a state is an address that the user typed: it counts as a step forward.
    if (history.state === null) history.replaceState({ ...mark(), depth: depth + 1 }, "");
    const to: number = history.state.depth;
    const guard = guards[guards.length - 1];
    // A step back by the browser has already been taken: undone by pushing the entry again.
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

  /** Replaces the current screen by the first one. */
  function begin(): void {
    history.replaceState(mark(), "", addressOf({ at: "chats" }));
    show({ at: "chats" });
  }

  return {
    store,
    go,
    goTo,
    begin,
    /** One step back: closes what is open on the screen, or goes to the previous screen. */
    back() {
      const guard = guards[guards.length - 1];
      if (guard) return guard();
      if (depth > 0) return history.back();
      go(above(store.get().route), { replace: true });
    },
    /** Makes the next step back call `leave` instead, until the returned function is called. */
    guard(leave: () => void): () => void {
      // A function of its own, so that only this guard is removed, however often the result is called.
      const guard = () => leave();
      guards.push(guard);
      return () => {
        const at = guards.indexOf(guard);
        if (at >= 0) guards.splice(at, 1);
      };
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

/** Empty if it cannot be decoded. */
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
