/** Warm pastel backgrounds; they are transparent, so that they fit the light and the dark theme. */
const HUES = ['#ffc83d', '#ff9f6b', '#7ccba2', '#7cc4e8', '#c3a6ef', '#f59ab5'];

/** Return the background color of a template, which depends only on its ID. */
export function tileColor(id: string): string {
  const sum = [...id].reduce((total, character) => total + character.charCodeAt(0), 0);
  return `color-mix(in srgb, ${HUES[sum % HUES.length]} 28%, transparent)`;
}
