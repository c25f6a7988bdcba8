/** Thumbnails of a template's pictures, in the widths of the contract. */

const WIDTHS = [64, 128, 256] as const;
const LARGEST = 512;

/**
 * Return the URL of the smallest thumbnail that is sharp on this screen.
 *
 * @param path Path of the picture in the template.
 * @param px Width on the screen in CSS pixels.
 */
export function thumbnailUrl(path: string, px: number): string {
  const width = WIDTHS.find((candidate) => candidate >= px * devicePixelRatio) ?? LARGEST;
  return `${path}${path.includes('?') ? '&' : '?'}width=${width}`;
}
