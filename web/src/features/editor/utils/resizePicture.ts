/** Conversion of any picture that the browser can decode into one that the catalog accepts. */

import type { PictureErrorReason } from './draft';
import { MAX_PICTURE_BYTES, MAX_PICTURE_PIXELS } from './templateLimits';

/** Width and height of a stored picture, in pixels. */
const SIDE = 512;
const MAX_FILE_BYTES = 64 * 1024 * 1024;
/** First bytes of PNG, JPEG and WebP; a dot matches any byte. */
const SIGNATURES = ['\x89PNG\r\n', '\xff\xd8\xff', 'RIFF....WEBP'];

export class PictureError extends Error {
  readonly reason: PictureErrorReason;

  constructor(reason: PictureErrorReason) {
    super(`The picture is ${reason}.`);
    this.reason = reason;
  }
}

/**
 * Return the file itself if the catalog accepts it, else a smaller PNG of the same picture: photos of a phone are far
 * larger than a template needs. Throws PictureError.
 */
export async function resizePicture(file: Blob): Promise<Blob> {
  if (file.size > MAX_FILE_BYTES) throw new PictureError('too_large');
  const image = await decode(file);
  try {
    if (isWithinLimits(file, image) && (await isAcceptedFormat(file))) return file;
    return await shrink(image);
  } finally {
    image.close();
  }
}

/** Encode as standard base64, the form of bytes in JSON. */
export async function base64(blob: Blob): Promise<string> {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let binary = '';
  const chunk = 0x8000; // arguments that every browser accepts in one call
  for (let at = 0; at < bytes.length; at += chunk) binary += String.fromCharCode(...bytes.subarray(at, at + chunk));
  return btoa(binary);
}

/** Return whether the content is PNG, JPEG or WebP. The name of the file is not trusted. */
export async function isAcceptedFormat(file: Blob): Promise<boolean> {
  const head = String.fromCharCode(...new Uint8Array(await file.slice(0, 12).arrayBuffer()));
  return SIGNATURES.some((signature) => [...signature].every((byte, at) => byte === '.' || byte === head[at]));
}

function isWithinLimits(file: Blob, { width, height }: { width: number; height: number }): boolean {
  return file.size <= MAX_PICTURE_BYTES && width * height <= MAX_PICTURE_PIXELS;
}

/** Scale a size down so that its longer side is at most 512. */
export function fittedSize(width: number, height: number): { width: number; height: number } {
  const scale = Math.min(1, SIDE / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

async function decode(file: Blob): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(file);
  } catch {
    throw new PictureError('unreadable');
  }
}

async function shrink(image: ImageBitmap): Promise<Blob> {
  const { width, height } = fittedSize(image.width, image.height);
  const canvas = Object.assign(document.createElement('canvas'), { width, height });
  const context = canvas.getContext('2d');
  if (!context) throw new PictureError('unreadable');
  context.imageSmoothingQuality = 'high';
  context.drawImage(image, 0, 0, width, height);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/png'));
  if (!blob || blob.size > MAX_PICTURE_BYTES) throw new PictureError('too_large');
  return blob;
}
