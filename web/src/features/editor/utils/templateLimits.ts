/** Limits of a template, as the catalog enforces them. */

export const VISIBILITIES = ['public', 'unlisted', 'private'] as const;
export type Visibility = (typeof VISIBILITIES)[number];

export const MAX_NAME_LENGTH = 50;
export const MAX_TAGS = 10;
export const MAX_TAG_LENGTH = 20;
export const MAX_PICTURE_BYTES = 1024 * 1024;
export const MAX_PICTURE_PIXELS = 4_000_000;

/** Return the length in code points, as the server counts it. */
export function length(text: string): number {
  return [...text].length;
}
