/** Originals in the browser's memory: the files that were uploaded, for comparing a result with its original. */

import { useAppStore, type AppStore } from './store';

const CAPACITY = 20;

export class Originals {
  readonly #files = new Map<string, Blob>();

  keep(taskId: string, file: Blob): void {
    this.#files.delete(taskId);
    this.#files.set(taskId, file);
    const [oldest] = this.#files.keys();
    if (this.#files.size > CAPACITY && oldest !== undefined) this.#files.delete(oldest);
  }

  get(taskId: string): Blob | undefined {
    return this.#files.get(taskId);
  }

  forget(taskId: string): void {
    this.#files.delete(taskId);
  }

  clear(): void {
    this.#files.clear();
  }
}

const byStore = new WeakMap<AppStore, Originals>();

export function originalsOf(store: AppStore): Originals {
  const known = byStore.get(store);
  if (known) return known;
  const originals = new Originals();
  byStore.set(store, originals);
  return originals;
}

export function useOriginals(): Originals {
  return originalsOf(useAppStore());
}
