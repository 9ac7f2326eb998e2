import { API_TYPES, makeApiTypes } from "./api_types.ts";
import { equal } from "./assert.ts";
import { withApp } from "./support.ts";

Deno.test("the web client's types are those of the OpenAPI document: deno task web:types writes them", () =>
  withApp(async (t) => {
    equal(await Deno.readTextFile(API_TYPES), await makeApiTypes(t));
  }));
