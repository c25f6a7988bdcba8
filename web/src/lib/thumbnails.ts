/** Smaller copies of a template's pictures, of the widths that the contract has. */

const WIDTHS = [64, 128, 256] as const;
const LARGEST = 512;

/**
 * The address of the smallest copy that is sharp on this screen.
 *
 * @param path Of the picture, as the template tells it.
 * @param px How wide it is shown, in CSS pixels.
 */
export function copyOf(path: string, px: number): string {
  const width = WIDTHS.find((wide) => wide >= px * devicePixelRatio) ?? LARGEST;
  return `${path}${path.includes('?') ? '&' : '?'}width=${width}`;
}
