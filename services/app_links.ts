// The apps that may open links of this service instead of a browser.

import type { Environment } from "./environment.ts";

export interface AndroidApp {
  packageName: string;
  /** SHA-256 of the signing certificate, in hexadecimal with colons. */
  fingerprint: string;
}

/** `package=fingerprint`, as `keytool -list -v` prints it. */
export function readAndroidApp(env: Environment): AndroidApp | null {
  const form = /^[A-Za-z]\w*(\.[A-Za-z]\w*)+=([0-9A-Fa-f]{2}:){31}[0-9A-Fa-f]{2}$/;
  const text = env.matching(
    "ANDROID_APP",
    form,
    "Must be package=fingerprint, with the SHA-256 of the certificate as 32 bytes such as AB:CD:...",
  );
  const [packageName, fingerprint] = text?.split("=") ?? [];
  return packageName && fingerprint ? { packageName, fingerprint: fingerprint.toUpperCase() } : null;
}

/** Reads `TEAMID.bundle.id`. */
export function readIosApp(env: Environment): string | null {
  const form = /^[A-Z0-9]{10}\.[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$/;
  return env.matching("IOS_APP", form, "Must be TEAMID.bundle.id, with the ten characters of the team's id");
}
