/** What can be read from a task. */

import type { Scores, Task, TaskState } from '../api/schema';
import { EXPRESSIONS, type Expression } from '../expressions';

/** The states of a task that is being worked on, in their order. */
export const STEPS = [
  'TASK_STATE_QUEUED',
  'TASK_STATE_DECODING',
  'TASK_STATE_DETECTING',
  'TASK_STATE_CLASSIFYING',
  'TASK_STATE_COMPOSING',
] as const satisfies TaskState[];
export type Step = (typeof STEPS)[number];

export function isStep(state: TaskState): state is Step {
  return (STEPS as readonly TaskState[]).includes(state);
}

export function ended({ state }: Task): boolean {
  return state === 'TASK_STATE_DONE' || state === 'TASK_STATE_FAILED';
}

/** Whether the owner can still change how faces are covered. */
export function revisable(task: Task, now: number): boolean {
  // While a revision is worked on, its time is not told: that it was begun says enough.
  if (!ended(task)) return task.image_url !== '';
  return task.revisable_until !== undefined && Date.parse(task.revisable_until) > now;
}

/** The seven probabilities, the likeliest first; none until the face is classified. */
export function ranked(scores: Scores | undefined): { expression: Expression; score: number }[] {
  if (!scores) return [];
  return EXPRESSIONS.map((expression) => ({ expression, score: scores[expression] })).sort((a, b) => b.score - a.score);
}
