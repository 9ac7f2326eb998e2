// `deno task web:types`: writes web/api.ts anew.

import { API_TYPES, makeApiTypes } from "./api_types.ts";
import { withApp } from "./support.ts";

Deno.test("the types of the API are written into web/api.ts", () =>
  withApp(async (t) => await Deno.writeTextFile(API_TYPES, await makeApiTypes(t))));
