/** What a browser can see of a photo before it is sent, by the rules of the server. */

export const MAX_PHOTO_BYTES = 16 * 2 ** 20;
/** Open tasks that the server grants one person. */
export const MAX_OPEN_TASKS = 5;
/** For file choosers. HEIC by its names too: many systems know no media type for it. */
export const ACCEPTED = 'image/jpeg,image/png,image/webp,image/heic,image/heif,.heic,.heif';

export type PhotoKind = 'jpeg' | 'png' | 'webp' | 'heic';
export type PhotoProblem = 'empty' | 'too_large' | 'unknown_kind' | 'unreadable';

const SIGNATURE_BYTES = 32;
/** Brands of ISO base media files that hold HEVC pictures (ISO/IEC 23008-12, annex B), and the general ones. */
const HEIC_BRANDS = ['heic', 'heix', 'hevc', 'hevx', 'heim', 'heis', 'mif1', 'msf1'];

/** The kind of a photo by its first bytes, or undefined for anything else. The name and the media type may lie. */
export function kindOf(bytes: Uint8Array): PhotoKind | undefined {
  if (starts(bytes, 0, [0xff, 0xd8, 0xff])) return 'jpeg';
  if (starts(bytes, 0, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])) return 'png';
  if (text(bytes, 0, 4) === 'RIFF' && text(bytes, 8, 12) === 'WEBP') return 'webp';
  if (text(bytes, 4, 8) === 'ftyp' && HEIC_BRANDS.includes(text(bytes, 8, 12))) return 'heic';
  return undefined;
}

/** Why a file can't be sent, or undefined where it can. */
export async function problemOf(file: Blob): Promise<PhotoProblem | undefined> {
  if (file.size === 0) return 'empty';
  if (file.size > MAX_PHOTO_BYTES) return 'too_large';
  try {
    const head = new Uint8Array(await file.slice(0, SIGNATURE_BYTES).arrayBuffer());
    return kindOf(head) ? undefined : 'unknown_kind';
  } catch {
    // A file that was moved since it was chosen, or lies in a cloud that is out of reach.
    return 'unreadable';
  }
}

/** The files of a paste or a drop; pictures that are dragged out of a page come without one and are left out. */
export function filesOf(transfer: DataTransfer | null): File[] {
  return transfer ? Array.from(transfer.files) : [];
}

/** Whether a drag carries files at all: text that is dragged over the page must not light it up. */
export function carriesFiles(transfer: DataTransfer | null): boolean {
  return transfer?.types.includes('Files') ?? false;
}

function starts(bytes: Uint8Array, at: number, expected: number[]): boolean {
  return expected.every((byte, index) => bytes[at + index] === byte);
}

function text(bytes: Uint8Array, from: number, to: number): string {
  return String.fromCharCode(...bytes.subarray(from, to));
}
