import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { AppError, ErrorCode } from "../services/errors.ts";
import type { Actor } from "../services/sessions/sessions.ts";

/** What a request carries from one handler to the next. */
export interface AppEnv {
  Bindings: Pick<Deno.ServeHandlerInfo, "remoteAddr" | "completed">;
  Variables: {
    requestId: string;
    /** The route's pattern, as in `/api/contacts/{phone_number}`; for the log, which must not see numbers. */
    pattern: string;
    errorCode?: ErrorCode;
    /** The answer that has all its headers already. */
    complete?: Response;
    /** How an error is shown where people look at it, and not programs. */
    showError?: (refusal: AppError, status: ContentfulStatusCode) => Response | Promise<Response>;
  };
}

/** Behind `requireSession`. */
export interface SignedInEnv extends AppEnv {
  Variables: AppEnv["Variables"] & { actor: Actor };
}
