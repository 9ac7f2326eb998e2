// Unguessable names for sessions, tickets and invitation links: 128 random bits in base64url.

/**
 * The format of a name. Test it before a text goes to PostgreSQL, which raises an error for some texts, such
 * as one with a NUL.
 */
export const RANDOM_NAME = /^[\w-]{22}$/;

export function randomName(): string {
  return crypto.getRandomValues(new Uint8Array(16)).toBase64({ alphabet: "base64url", omitPadding: true });
}

/**
 * The SHA-256 hash that is stored for a name which grants access by itself. With 128 random bits neither a
 * salt nor a slow hash is needed.
 */
export async function hashOfName(name: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(name)));
}
