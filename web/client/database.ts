// The browser's IndexedDB: the outbox, and what was last shown, for use without a network.

/** Turns an IndexedDB request into a promise. */
function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** Some browsers never answer a request to open a database. */
const PATIENCE_MS = 5_000;

export type Shelf = "outbox" | "seen";

export interface LocalDatabase {
  all<T>(shelf: Shelf): Promise<T[]>;
  get<T>(shelf: Shelf, key: string): Promise<T | null>;
  /** Stores a value. The outbox generates its keys; `seen` needs one. */
  put(shelf: Shelf, value: unknown, key?: string): Promise<IDBValidKey>;
  /** Changes a row if it exists; one that was removed in the meantime stays removed. */
  change(shelf: Shelf, key: IDBValidKey, change: object): Promise<void>;
  remove(shelf: Shelf, key: IDBValidKey): Promise<void>;
  clear(): Promise<void>;
}

export function openLocalDatabase(name: string): LocalDatabase {
  let opened: Promise<IDBDatabase> | null = null;
  let late: Promise<never>;
  const forget = () => void (opened = null);

  /**
   * Opens the database, or rejects after `PATIENCE_MS`. A database that opens later than that is used from
   * then on.
   */
  function open(): Promise<IDBDatabase> {
    if (!opened) {
      opened = ask(name, forget);
      late = new Promise((_, reject) => setTimeout(reject, PATIENCE_MS, new Error("Not opened in time")));
      opened.catch(forget);
      late.catch(() => {});
    }
    return Promise.race([opened, late]);
  }

  async function on<T>(
    shelf: Shelf,
    mode: IDBTransactionMode,
    act: (store: IDBObjectStore) => IDBRequest<T>,
  ): Promise<T> {
    const transaction = (await open()).transaction(shelf, mode);
    const stored = new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error);
    });
    const [result] = await Promise.all([settled(act(transaction.objectStore(shelf))), stored]);
    return result;
  }

  return {
    all: (shelf) => on(shelf, "readonly", (store) => store.getAll()),
    get: async (shelf, key) => await on(shelf, "readonly", (store) => store.get(key)) ?? null,
    put: (shelf, value, key) => on(shelf, "readwrite", (store) => store.put(value, key)),
    async change(shelf, key, change) {
      await on(shelf, "readwrite", (store) => {
        const found = store.get(key);
        found.addEventListener("success", () => {
          if (found.result) store.put({ ...found.result, ...change });
        });
        return found;
      });
    },
    remove: (shelf, key) => on(shelf, "readwrite", (store) => store.delete(key)),
    async clear() {
      await on("outbox", "readwrite", (store) => store.clear());
      await on("seen", "readwrite", (store) => store.clear());
    },
  };
}

/** @param onGone is called when the browser has closed the database or is about to delete it */
function ask(name: string, onGone: () => void): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("outbox", { keyPath: "seq", autoIncrement: true });
      request.result.createObjectStore("seen");
    };
    request.onsuccess = () => {
      const database = request.result;
      database.onclose = onGone;
      database.onversionchange = () => {
        database.close();
        onGone();
      };
      resolve(database);
    };
    request.onerror = () => reject(request.error);
  });
}
