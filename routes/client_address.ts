import { log } from "../services/log.ts";
import type { AppEnv } from "./env.ts";

/** The client's address, as far as it can be trusted. */
export type ClientAddress = (c: RequestContext) => string;

/** The part of a request's context that is read. */
interface RequestContext {
  env: AppEnv["Bindings"];
  req: { header(name: string): string | undefined };
}

/** Loopback, private and link-local addresses, as `subscriber` spells them (RFC 1918, 3927, 4193, 4291). */
const NEAR = /^(127\.|10\.|192\.168\.|169\.254\.|172\.(1[6-9]|2\d|3[01])\.|0:0:0:0::|f[cd]..:|fe[89ab].:)/;

/**
 * The address of the socket; behind `trustedProxies` proxies, the entry of X-Forwarded-For that the outermost
 * of them wrote, because the client itself wrote everything further left. IPv6 addresses are cut to their
 * /64, because one subscriber has all of it. A proxy that is not configured is logged once.
 */
export function clientAddress(trustedProxies: number): ClientAddress {
  let hasWarned = false;
  /** Everybody behind such a proxy shares one address, and so its limits. */
  function warnOfProxy(peer: string): void {
    if (hasWarned || !NEAR.test(peer)) return;
    hasWarned = true;
    log.warn("A proxy forwards requests, but TRUSTED_PROXY_COUNT is 0: limits treat all its clients as one");
  }

  return (c) => {
    const socket = "hostname" in c.env.remoteAddr ? c.env.remoteAddr.hostname : "unix";
    if (trustedProxies === 0) {
      const peer = subscriber(socket);
      if (c.req.header("x-forwarded-for") !== undefined) warnOfProxy(peer);
      return peer;
    }
    const hops = (c.req.header("x-forwarded-for") ?? "").split(",").map((hop) => hop.trim()).filter(Boolean);
    return subscriber(hops.at(-Math.min(trustedProxies, hops.length)) ?? socket);
  };
}

function subscriber(address: string): string {
  const groups = ipv6Groups(address);
  // Some proxies append the port, which differs for every connection.
  if (!groups) return address.replace(/^([\d.]+):\d+$/, "$1");
  const mapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (mapped) return [groups[6]! >> 8, groups[6]! & 255, groups[7]! >> 8, groups[7]! & 255].join(".");
  return groups.slice(0, 4).map((group) => group.toString(16)).join(":") + "::/64";
}

/** The eight groups of an IPv6 address; null for anything else. The URL parser knows all spellings. */
function ipv6Groups(address: string): number[] | null {
  if (!address.includes(":")) return null;
  const url = URL.parse(`http://[${address.replace(/^\[|\](:\d+)?$|%.*$/g, "")}]`);
  if (!url) return null;
  const [head = "", tail] = url.hostname.slice(1, -1).split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => "0");
  return [...left, ...zeros, ...right].map((group) => parseInt(group, 16));
}
