/** The files that results were made of, as long as this page is open: nobody else has them to compare with. */

const KEPT = 20;

const files = new Map<string, Blob>();

export const originals = {
  keep(taskId: string, file: Blob): void {
    files.delete(taskId);
    files.set(taskId, file);
    const [oldest] = files.keys();
    if (files.size > KEPT && oldest !== undefined) files.delete(oldest);
  },
  of: (taskId: string): Blob | undefined => files.get(taskId),
  forget: (taskId: string): void => void files.delete(taskId),
  clear: (): void => files.clear(),
};
