import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { AppError, ErrorCode } from "../services/errors.ts";
import type { Actor } from "../services/sessions/sessions.ts";

/** The context that a request carries from handler to handler. */
export interface AppEnv {
  Bindings: Pick<Deno.ServeHandlerInfo, "remoteAddr" | "completed">;
  Variables: {
    requestId: string;
    /**
     * The route's pattern, for example `/api/contacts/{phone_number}`. The log has this instead of the
     * address, which may contain phone numbers.
     */
    pattern: string;
    errorCode?: ErrorCode;
    /** The answer, if all its headers are already set. */
    complete?: Response;
    /**
     * Renders an error as a page, for addresses that people open in a browser. Without it errors are JSON.
     */
    showError?: (refusal: AppError, status: ContentfulStatusCode) => Response | Promise<Response>;
  };
}

/** The context of routes behind `requireSession`. */
export interface SignedInEnv extends AppEnv {
  Variables: AppEnv["Variables"] & { actor: Actor };
}
