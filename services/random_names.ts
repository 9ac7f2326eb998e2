// Names that nobody can guess, of sessions, of tickets and of the links of invitations: 128 random bits in base64url.

/** What a name looks like. To be tested before a text goes to PostgreSQL, which refuses some, such as one with a NUL, by an error. */
export const RANDOM_NAME = /^[\w-]{22}$/;

export function randomName(): string {
  return crypto.getRandomValues(new Uint8Array(16)).toBase64({ alphabet: "base64url", omitPadding: true });
}

/** What is kept of a name that opens something by itself (SHA-256). So many random bits need no salt and no slow hash. */
export async function hashOfName(name: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(name)));
}
