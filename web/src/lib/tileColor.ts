/** Warm pastels that emoji stand on; each lets the paper of the theme shine through, so that it fits day and night. */
const HUES = ['#ffc83d', '#ff9f6b', '#7ccba2', '#7cc4e8', '#c3a6ef', '#f59ab5'];

/** The colour behind a template: always the same one for the same template. */
export function tileColor(id: string): string {
  const sum = [...id].reduce((total, character) => total + character.charCodeAt(0), 0);
  return `color-mix(in srgb, ${HUES[sum % HUES.length]} 28%, transparent)`;
}
