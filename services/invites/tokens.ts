// The tokens of invitation links: 128 random bits, of which only the hash is kept.

const TOKEN_BYTES = 16;

export function createInviteToken(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(TOKEN_BYTES));
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

/** What is stored (SHA-256). So many random bits need no salt and no slow hash. */
export async function hashInviteToken(token: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token)));
}
