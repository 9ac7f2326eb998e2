// Expressions that look into what the web client has stored in the browser's database.

/** Queries an object store. The database has to exist: this would create one without object stores. */
export function shelf(name: "outbox" | "seen", question: "count()" | "getAllKeys()"): string {
  return `new Promise((resolve) => {
    indexedDB.open("puffintalk").onsuccess = ({ target: { result } }) => {
      result.transaction("${name}").objectStore("${name}").${question}.onsuccess = (event) => {
        result.close();
        resolve(event.target.result);
      };
    };
  })`;
}

/** Whether the client has created its database. */
export const IS_MADE = `indexedDB.databases().then((all) => all.some(({ name }) => name === "puffintalk"))`;

/** The keys of what is stored for use without a network. */
export const REMEMBERED = shelf("seen", "getAllKeys()");

/** The number of unsent messages. */
export const OUTBOX = shelf("outbox", "count()");
