// Made from the OpenAPI document by `deno task web:types`; not written by hand.

export interface paths {
  "/api/auth/signup": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/json": components["schemas"]["PhoneNumberBody"];
        };
      };
      responses: {
        /** @description A passcode is on its way by SMS */
        200: {
          headers: {
            "X-Request-Id": components["headers"]["RequestId"];
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["PasscodeSent"];
          };
        };
      };
    };
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/auth/signin": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/json": components["schemas"]["PhoneNumberBody"];
        };
      };
      responses: {
        /** @description A passcode is on its way by SMS */
        200: {
          headers: {
            "X-Request-Id": components["headers"]["RequestId"];
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["PasscodeSent"];
          };
        };
      };
    };
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/auth/complete-signup": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/json": components["schemas"]["CompleteBody"];
        };
      };
      responses: {
        /** @description The account exists; this is its first session */
        200: {
          headers: {
            "X-Request-Id": components["headers"]["RequestId"];
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["SignedIn"];
          };
        };
      };
    };
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/auth/complete-signin": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/json": components["schemas"]["CompleteBody"];
        };
      };
      responses: {
        /** @description A new session */
        200: {
          headers: {
            "X-Request-Id": components["headers"]["RequestId"];
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["SignedIn"];
          };
        };
      };
    };
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/auth/renew": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description A new token for the same session; the old one works until it expires */
        200: {
          headers: {
            "X-Request-Id": components["headers"]["RequestId"];
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["SignedIn"];
          };
        };
      };
    };
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/auth/signout": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description The session has ended */
        200: {
          headers: {
            "X-Request-Id": components["headers"]["RequestId"];
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Done"];
          };
        };
      };
    };
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/auth/sessions": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description Most recently used first */
        200: {
          headers: {
            "X-Request-Id": components["headers"]["RequestId"];
            [name: string]: unknown;
          };
          content: {
            "application/json": {
              /** @enum {boolean} */
              success: true;
              sessions: components["schemas"]["Session"][];
            };
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/auth/sessions/{id}": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    post?: never;
    delete: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          id: string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description The session has ended */
        200: {
          headers: {
            "X-Request-Id": components["headers"]["RequestId"];
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Done"];
          };
        };
      };
    };
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/auth/delete-account": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/json": components["schemas"]["PhoneNumberBody"];
        };
      };
      responses: {
        /** @description The account is deleted */
        200: {
          headers: {
            "X-Request-Id": components["headers"]["RequestId"];
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Done"];
          };
        };
      };
    };
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/contacts": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get: {
      parameters: {
        query?: {
          status?: "requesting" | "requested" | "accepted" | "blocked" | "deleted";
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description By last_touch_at, newest first, then by number */
        200: {
          headers: {
            "X-Request-Id": components["headers"]["RequestId"];
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["ContactList"];
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/contacts/{phone_number}": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          /** @description E.164; also 0014155550123 or 14155550123, with spaces, dashes, dots, parentheses. Omit the (0) of +44 (0)7700: it would count as a digit */
          phone_number: string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description The contact, or an empty list */
        200: {
          headers: {
            "X-Request-Id": components["headers"]["RequestId"];
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["ContactList"];
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/contacts/request": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/json": components["schemas"]["RequestBody"];
        };
      };
      responses: {
        /** @description The whole list as it is now */
        200: {
          headers: {
            "X-Request-Id": components["headers"]["RequestId"];
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Requested"];
          };
        };
      };
    };
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/json": components["schemas"]["RequestBody"];
        };
      };
      responses: {
        /** @description The whole list as it is now */
        200: {
          headers: {
            "X-Request-Id": components["headers"]["RequestId"];
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Requested"];
          };
        };
      };
    };
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/contacts/accept": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/json": components["schemas"]["WhomBody"];
        };
      };
      responses: {
        /** @description The whole list as it is now */
        200: {
          headers: {
            "X-Request-Id": components["headers"]["RequestId"];
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["ContactList"];
          };
        };
      };
    };
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/contacts/delete": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/json": components["schemas"]["WhomBody"];
        };
      };
      responses: {
        /** @description The whole list as it is now */
        200: {
          headers: {
            "X-Request-Id": components["headers"]["RequestId"];
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["ContactList"];
          };
        };
      };
    };
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/contacts/update": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/json": components["schemas"]["RenameBody"];
        };
      };
      responses: {
        /** @description The whole list as it is now */
        200: {
          headers: {
            "X-Request-Id": components["headers"]["RequestId"];
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["ContactList"];
          };
        };
      };
    };
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/messages/upload_media": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    post: {
      parameters: {
        query: {
          media_type: string;
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: {
        content: {
          "multipart/form-data": {
            /** Format: binary */
            file: string;
          };
        };
      };
      responses: {
        /** @description It is stored; send its id in a message */
        200: {
          headers: {
            "X-Request-Id": components["headers"]["RequestId"];
            [name: string]: unknown;
          };
          content: {
            "application/json": {
              /** @enum {boolean} */
              success: true;
              /**
               * Format: int64
               * @example 1518102499655752
               */
              id: number;
            };
          };
        };
      };
    };
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/messages/media/{id}/url": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          id: number;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description Anybody who has the URL can play the file */
        200: {
          headers: {
            "X-Request-Id": components["headers"]["RequestId"];
            [name: string]: unknown;
          };
          content: {
            "application/json": {
              /** @enum {boolean} */
              success: true;
              /** Format: uri */
              url: string;
              /**
               * Format: date-time
               * @example 2026-01-31T12:00:00.000Z
               */
              expires_at: string;
            };
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/messages/media/{id}": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get: {
      parameters: {
        query?: {
          /** @description Instead of the Authorization header */
          token?: string;
          expires?: number;
          signature?: string;
        };
        header?: never;
        path: {
          id: number;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description The whole file */
        200: {
          headers: {
            "X-Request-Id": components["headers"]["RequestId"];
            /** @description For If-None-Match and If-Range */
            ETag?: string;
            [name: string]: unknown;
          };
          content: {
            "*/*": string;
          };
        };
        /** @description The range */
        206: {
          headers: {
            "X-Request-Id": components["headers"]["RequestId"];
            /** @description For If-None-Match and If-Range */
            ETag?: string;
            /** @description `bytes 0-99/1000` */
            "Content-Range"?: string;
            [name: string]: unknown;
          };
          content: {
            "*/*": string;
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/messages/media": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get: {
      parameters: {
        query: {
          /** @description Instead of the Authorization header */
          token?: string;
          expires?: number;
          signature?: string;
          media_content_id: number;
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description The whole file */
        200: {
          headers: {
            "X-Request-Id": components["headers"]["RequestId"];
            /** @description For If-None-Match and If-Range */
            ETag?: string;
            [name: string]: unknown;
          };
          content: {
            "*/*": string;
          };
        };
        /** @description The range */
        206: {
          headers: {
            "X-Request-Id": components["headers"]["RequestId"];
            /** @description For If-None-Match and If-Range */
            ETag?: string;
            /** @description `bytes 0-99/1000` */
            "Content-Range"?: string;
            [name: string]: unknown;
          };
          content: {
            "*/*": string;
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/uploads": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    post: {
      parameters: {
        query?: never;
        header: {
          /** @description The version of tus */
          "Tus-Resumable": "1.0.0";
          /** @description The total number of bytes */
          "Upload-Length": number;
          /** @description Keys, each with a value in base64: `media_type YXVkaW8=,filename YS5vZ2c=` */
          "Upload-Metadata": string;
        };
        path?: never;
        cookie?: never;
      };
      requestBody?: {
        content: {
          "application/offset+octet-stream": string;
        };
      };
      responses: {
        /** @description Created; continue at `Location` */
        201: {
          headers: {
            "X-Request-Id": components["headers"]["RequestId"];
            /** @description The upload */
            Location?: string;
            /** @description How many bytes are stored; absent for an upload created without any */
            "Upload-Offset"?: number;
            /** @description When it is dropped if nothing arrives (RFC 9110, section 5.6.7); absent for a complete one */
            "Upload-Expires"?: string;
            [name: string]: unknown;
          };
          content?: never;
        };
      };
    };
    delete?: never;
    options: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description Version, extensions, maximum size */
        204: {
          headers: {
            "X-Request-Id": components["headers"]["RequestId"];
            [name: string]: unknown;
          };
          content?: never;
        };
      };
    };
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/uploads/{id}": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    post?: never;
    delete: {
      parameters: {
        query?: never;
        header: {
          /** @description The version of tus */
          "Tus-Resumable": "1.0.0";
        };
        path: {
          id: number;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description Deleted */
        204: {
          headers: {
            "X-Request-Id": components["headers"]["RequestId"];
            [name: string]: unknown;
          };
          content?: never;
        };
      };
    };
    options: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          id: number;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description Version, extensions, maximum size */
        204: {
          headers: {
            "X-Request-Id": components["headers"]["RequestId"];
            [name: string]: unknown;
          };
          content?: never;
        };
      };
    };
    head: {
      parameters: {
        query?: never;
        header: {
          /** @description The version of tus */
          "Tus-Resumable": "1.0.0";
        };
        path: {
          id: number;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description `Upload-Offset` bytes of `Upload-Length`, and the `Upload-Metadata` of its creation */
        200: {
          headers: {
            "X-Request-Id": components["headers"]["RequestId"];
            /** @description How many bytes are stored; absent for an upload created without any */
            "Upload-Offset"?: number;
            /** @description When it is dropped if nothing arrives (RFC 9110, section 5.6.7); absent for a complete one */
            "Upload-Expires"?: string;
            /** @description The total number of bytes */
            "Upload-Length"?: number;
            /** @description As given by the client */
            "Upload-Metadata"?: string;
            [name: string]: unknown;
          };
          content?: never;
        };
      };
    };
    patch: {
      parameters: {
        query?: never;
        header: {
          /** @description The version of tus */
          "Tus-Resumable": "1.0.0";
          /** @description The offset of these bytes */
          "Upload-Offset": number;
        };
        path: {
          id: number;
        };
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/offset+octet-stream": string;
        };
      };
      responses: {
        /** @description Stored up to `Upload-Offset`; once complete, the type is recognised and the media can be sent */
        204: {
          headers: {
            "X-Request-Id": components["headers"]["RequestId"];
            /** @description How many bytes are stored; absent for an upload created without any */
            "Upload-Offset"?: number;
            /** @description When it is dropped if nothing arrives (RFC 9110, section 5.6.7); absent for a complete one */
            "Upload-Expires"?: string;
            [name: string]: unknown;
          };
          content?: never;
        };
      };
    };
    trace?: never;
  };
  "/api/messages/send": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    post: {
      parameters: {
        query?: never;
        header?: {
          /** @description The same as client_id */
          "Idempotency-Key"?: string;
        };
        path?: never;
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/json": components["schemas"]["SendBody"];
        };
      };
      responses: {
        /** @description The message is stored */
        200: {
          headers: {
            "X-Request-Id": components["headers"]["RequestId"];
            [name: string]: unknown;
          };
          content: {
            "application/json": {
              /** @enum {boolean} */
              success: true;
              messages: components["schemas"]["Message"][];
            };
          };
        };
      };
    };
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/messages/read": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/json": components["schemas"]["ReadBody"];
        };
      };
      responses: {
        /** @description It is seen */
        200: {
          headers: {
            "X-Request-Id": components["headers"]["RequestId"];
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Done"];
          };
        };
      };
    };
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/messages/read_all_text": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/json": components["schemas"]["ReadAllTextBody"];
        };
      };
      responses: {
        /** @description They are seen */
        200: {
          headers: {
            "X-Request-Id": components["headers"]["RequestId"];
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Done"];
          };
        };
      };
    };
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/messages/read_up_to": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/json": components["schemas"]["ReadUpToBody"];
        };
      };
      responses: {
        /** @description They are seen */
        200: {
          headers: {
            "X-Request-Id": components["headers"]["RequestId"];
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Done"];
          };
        };
      };
    };
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/messages/{phone_number}": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get: {
      parameters: {
        query?: {
          /** @description Values above 255 count as 255 */
          count?: number;
          /** @description The page before this message */
          before?: number;
          /** @description The messages right after this one */
          after?: number;
        };
        header?: never;
        path: {
          /** @description E.164; also 0014155550123 or 14155550123, with spaces, dashes, dots, parentheses. Omit the (0) of +44 (0)7700: it would count as a digit */
          phone_number: string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description has_more says whether there are older ones (with `after`: newer ones) */
        200: {
          headers: {
            "X-Request-Id": components["headers"]["RequestId"];
            [name: string]: unknown;
          };
          content: {
            "application/json": {
              /** @enum {boolean} */
              success: true;
              messages: components["schemas"]["Message"][];
              has_more: boolean;
            };
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/notifications": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get: {
      parameters: {
        query?: {
          /** @description From `POST /api/notifications/ticket` */
          ticket?: string;
          /** @description Instead of the Authorization header */
          token?: string;
          /** @description true: also send `sessions_updated` */
          sessions?: boolean;
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description The socket is open; it carries text frames, each a `Notification` as JSON */
        101: {
          headers: {
            [name: string]: unknown;
          };
          content?: never;
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/notifications/ticket": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description For `?ticket=` */
        200: {
          headers: {
            "X-Request-Id": components["headers"]["RequestId"];
            [name: string]: unknown;
          };
          content: {
            "application/json": {
              /** @enum {boolean} */
              success: true;
              ticket: string;
              /** @description Seconds */
              expires_in: number;
            };
          };
        };
      };
    };
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/push/key": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description The public VAPID key of this service */
        200: {
          headers: {
            "X-Request-Id": components["headers"]["RequestId"];
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["PushKey"];
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/push/subscription": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/json": components["schemas"]["PushSubscription"];
        };
      };
      responses: {
        /** @description It is the session's subscription now */
        200: {
          headers: {
            "X-Request-Id": components["headers"]["RequestId"];
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Done"];
          };
        };
      };
    };
    post?: never;
    delete: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description The session has no subscription any more */
        200: {
          headers: {
            "X-Request-Id": components["headers"]["RequestId"];
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["Done"];
          };
        };
      };
    };
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/invites": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        /** @description Newest first */
        200: {
          headers: {
            "X-Request-Id": components["headers"]["RequestId"];
            [name: string]: unknown;
          };
          content: {
            "application/json": components["schemas"]["InviteList"];
          };
        };
      };
    };
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/twilio/status": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/x-www-form-urlencoded": {
            MessageSid?: string;
            MessageStatus?: string;
            ErrorCode?: string;
          };
        };
      };
      responses: {
        /** @description Processed, or about nothing known here */
        204: {
          headers: {
            "X-Request-Id": components["headers"]["RequestId"];
            [name: string]: unknown;
          };
          content?: never;
        };
      };
    };
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/api/twilio/inbound": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: {
        content: {
          "application/x-www-form-urlencoded": {
            From?: string;
            Body?: string;
            OptOutType?: string;
          };
        };
      };
      responses: {
        /** @description Processed, or about nothing known here */
        204: {
          headers: {
            "X-Request-Id": components["headers"]["RequestId"];
            [name: string]: unknown;
          };
          content?: never;
        };
      };
    };
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
}
export type webhooks = Record<string, never>;
export interface components {
  schemas: {
    Notification: {
      /** @enum {string} */
      event: "connected";
      /**
       * Format: date-time
       * @example 2026-01-31T12:00:00.000Z
       */
      timestamp: string;
    } | {
      /** @enum {string} */
      event: "contacts_updated";
      /**
       * Format: date-time
       * @example 2026-01-31T12:00:00.000Z
       */
      timestamp: string;
    } | {
      /** @enum {string} */
      event: "sessions_updated";
      /**
       * Format: date-time
       * @example 2026-01-31T12:00:00.000Z
       */
      timestamp: string;
    } | {
      /** @enum {string} */
      event: "messages_updated";
      /**
       * @description The other person of the changed conversation
       * @example +14155550123
       */
      sender: string;
      /**
       * Format: date-time
       * @example 2026-01-31T12:00:00.000Z
       */
      timestamp: string;
    };
    ErrorBody: {
      /** @enum {boolean} */
      success: false;
      /** @description For people to read */
      message: string;
      /**
       * @description For programs; stable
       * @enum {string}
       */
      code:
        | "already_friends"
        | "already_registered"
        | "already_requested"
        | "client_id_reused"
        | "contact_not_found"
        | "invalid_input"
        | "invalid_json"
        | "invalid_media"
        | "invalid_passcode"
        | "invalid_phone_number"
        | "invalid_signature"
        | "media_not_found"
        | "media_sent"
        | "message_not_found"
        | "method_not_allowed"
        | "not_found"
        | "not_friends"
        | "not_registered"
        | "own_number"
        | "passcode_expired"
        | "peer_deleted"
        | "quota_exceeded"
        | "range_not_satisfiable"
        | "rate_limited"
        | "recipient_not_found"
        | "request_not_found"
        | "request_timeout"
        | "session_not_found"
        | "sms_disabled"
        | "sms_failed"
        | "sms_not_allowed"
        | "sms_opted_out"
        | "suspended"
        | "too_large"
        | "too_many_attempts"
        | "unauthenticated"
        | "unavailable"
        | "unexpected"
        | "unsupported_media_type"
        | "unsupported_tus_version"
        | "upgrade_required"
        | "upload_conflict"
        | "upload_stalled"
        | "uri_too_long"
        | "user_not_found";
      /** @description Also in X-Request-Id and in the service's log */
      request_id: string;
      /** @description Seconds until trying again makes sense; also in Retry-After. With `passcode_expired` it only slows down clients that repeat a 408 by themselves: only a new passcode helps */
      retry_after?: number;
      /** @description What is wrong with which fields of the request */
      issues?: {
        path: string;
        message: string;
      }[];
      /** @description The limit for the body, or for all media of the user */
      max_bytes?: number;
    };
    PasscodeSent: {
      /** @enum {boolean} */
      success: true;
      /** @description How many seconds the passcode is valid */
      expires_in: number;
      /** @description Seconds until another one can be requested */
      resend_in: number;
      code_length: number;
      /**
       * @description Present if the previous SMS is known not to have arrived
       * @enum {string}
       */
      last_delivery?: "undelivered";
    };
    PhoneNumberBody: {
      /**
       * @description E.164; also 0014155550123 or 14155550123, with spaces, dashes, dots, parentheses. Omit the (0) of +44 (0)7700: it would count as a digit
       * @example +14155550123
       */
      phone_number: string;
    };
    SignedIn: {
      /** @enum {boolean} */
      success: true;
      token: string;
      /**
       * Format: date-time
       * @example 2026-01-31T12:00:00.000Z
       */
      expires_at: string;
    };
    CompleteBody: {
      /**
       * @description E.164; also 0014155550123 or 14155550123, with spaces, dashes, dots, parentheses. Omit the (0) of +44 (0)7700: it would count as a digit
       * @example +14155550123
       */
      phone_number: string;
      /** @example 123456 */
      passcode: string;
      /** @description The session's name in the list of sessions; by default the User-Agent */
      device?: string | null;
    };
    Done: {
      /** @enum {boolean} */
      success: true;
    };
    Session: {
      id: string;
      device: string;
      /**
       * Format: date-time
       * @example 2026-01-31T12:00:00.000Z
       */
      created_at: string;
      /**
       * Format: date-time
       * @description Accurate to a minute
       * @example 2026-01-31T12:00:00.000Z
       */
      last_seen_at: string;
      /** @description Whether this call was made with this session */
      current: boolean;
    };
    ContactList: {
      /** @enum {boolean} */
      success: true;
      contacts: components["schemas"]["Contact"][];
    };
    Contact: {
      /**
       * @description E.164; without the plus sign where PHONE_WIRE_FORMAT is digits
       * @example +14155550123
       */
      phone_number: string;
      /** @description My own name for this person; empty if unset */
      display_name: string;
      /** @enum {string} */
      status: "requesting" | "requested" | "accepted" | "blocked" | "deleted";
      /**
       * Format: date-time
       * @description The last change visible to me, or the last message
       * @example 2026-01-31T12:00:00.000Z
       */
      last_touch_at: string;
      /** @description Counted up to 9,999 */
      unread_messages: number;
    };
    Requested: {
      /** @enum {boolean} */
      success: true;
      contacts: components["schemas"]["Contact"][];
      /** @description Present if the inviter's own phone has to send the invitation (INVITE_MODE=device) and this request is one */
      invite?: {
        /** @description Opens the phone's SMS app with the number and the text (RFC 5724) */
        sms_uri: string;
        /** @description Only the invitation's link */
        url: string;
      };
    };
    RequestBody: {
      /**
       * @description E.164; also 0014155550123 or 14155550123, with spaces, dashes, dots, parentheses. Omit the (0) of +44 (0)7700: it would count as a digit
       * @example +14155550123
       */
      phone_number: string;
      /**
       * @description At most 50 characters after NFC; empty means none
       * @example Ann
       */
      display_name?: string;
    };
    WhomBody: {
      /**
       * @description E.164; also 0014155550123 or 14155550123, with spaces, dashes, dots, parentheses. Omit the (0) of +44 (0)7700: it would count as a digit
       * @example +14155550123
       */
      phone_number: string;
    };
    RenameBody: {
      /**
       * @description E.164; also 0014155550123 or 14155550123, with spaces, dashes, dots, parentheses. Omit the (0) of +44 (0)7700: it would count as a digit
       * @example +14155550123
       */
      phone_number: string;
      /**
       * @description At most 50 characters after NFC; empty means none
       * @example Ann
       */
      display_name: string;
    };
    Message: {
      /**
       * Format: int64
       * @example 1518102499655752
       */
      id: number;
      /**
       * @description E.164; without the plus sign where PHONE_WIRE_FORMAT is digits
       * @example +14155550123
       */
      sender: string;
      /**
       * @description E.164; without the plus sign where PHONE_WIRE_FORMAT is digits
       * @example +14155550123
       */
      receiver: string;
      /** @description The text, or the caption of audio and video; empty if there is none */
      message: string;
      /** @enum {string} */
      message_type: "text" | "audio" | "video";
      /** @description MIME type; null for text */
      media_type: string | null;
      /**
       * Format: int64
       * @example 1518102499655752
       */
      media_content_id: number | null;
      /** @description Seconds; null for text, and if the media do not say */
      duration: number | null;
      /**
       * @description `delivered`: a socket of the receiver was told of it or opened later, or the receiver has fetched it. Only `seen` says that it was shown
       * @enum {string}
       */
      status: "created" | "delivered" | "seen";
      /**
       * Format: date-time
       * @example 2026-01-31T12:00:00.000Z
       */
      created_at: string;
      /** @description Only for the sender; null if none was given */
      client_id?: string | null;
    };
    SendBody: {
      /**
       * @description E.164; also 0014155550123 or 14155550123, with spaces, dashes, dots, parentheses. Omit the (0) of +44 (0)7700: it would count as a digit
       * @example +14155550123
       */
      phone_number: string;
      /** @enum {string} */
      message_type: "text" | "audio" | "video";
      message?: string | null;
      /**
       * Format: int64
       * @example 1518102499655752
       */
      media_content_id?: number | null;
      /** @description Makes a send safe to retry; also accepted as Idempotency-Key */
      client_id?: string | null;
    };
    ReadBody: {
      /**
       * Format: int64
       * @example 1518102499655752
       */
      message_id: number;
    };
    ReadAllTextBody: {
      /**
       * @description E.164; also 0014155550123 or 14155550123, with spaces, dashes, dots, parentheses. Omit the (0) of +44 (0)7700: it would count as a digit
       * @example +14155550123
       */
      phone_number: string;
    };
    ReadUpToBody: {
      /**
       * @description E.164; also 0014155550123 or 14155550123, with spaces, dashes, dots, parentheses. Omit the (0) of +44 (0)7700: it would count as a digit
       * @example +14155550123
       */
      phone_number: string;
      /**
       * Format: int64
       * @example 1518102499655752
       */
      message_id: number;
    };
    PushKey: {
      /** @enum {boolean} */
      success: true;
      /** @description For `applicationServerKey`: a P-256 point in base64url */
      public_key: string;
    };
    /** @description What PushSubscription.toJSON() gives in a browser */
    PushSubscription: {
      /** @example https://updates.push.services.mozilla.com/wpush/v2/gAAAAAB */
      endpoint: string;
      /** @description Milliseconds since 1970 */
      expirationTime?: number | null;
      keys: {
        p256dh: string;
        auth: string;
      };
    };
    InviteList: {
      /** @enum {boolean} */
      success: true;
      invites: components["schemas"]["Invite"][];
      /** @description How many of the ten invitations in 24 hours are left */
      remaining_today: number;
    };
    Invite: {
      /**
       * @description E.164; without the plus sign where PHONE_WIRE_FORMAT is digits
       * @example +14155550123
       */
      phone_number: string;
      /**
       * @description `sent` until something else is known; `joined` once the number has an account
       * @enum {string}
       */
      status: "sent" | "undelivered" | "joined";
      /**
       * Format: date-time
       * @example 2026-01-31T12:00:00.000Z
       */
      created_at: string;
    };
  };
  responses: never;
  parameters: never;
  requestBodies: never;
  headers: {
    /** @description Identifies the request, also in the service's log */
    RequestId: string;
    /** @description Seconds until trying again makes sense; present where waiting helps */
    RetryAfter: number;
  };
  pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
