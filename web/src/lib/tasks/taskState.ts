/** State of a task. */

import type { Scores, Task, TaskState } from '../api/schema';
import { EXPRESSIONS, type Expression } from '../expressions';

/** The states of a task in progress, in their order. */
export const STEPS = [
  'TASK_STATE_QUEUED',
  'TASK_STATE_DECODING',
  'TASK_STATE_DETECTING',
  'TASK_STATE_CLASSIFYING',
  'TASK_STATE_COMPOSING',
] as const satisfies TaskState[];
export type Step = (typeof STEPS)[number];

export function isInProgress(state: TaskState): state is Step {
  return (STEPS as readonly TaskState[]).includes(state);
}

export function isEnded({ state }: Task): boolean {
  return state === 'TASK_STATE_DONE' || state === 'TASK_STATE_FAILED';
}

/** Return whether faces can still be revised. */
export function isRevisable(task: Task, now: number): boolean {
  // While a revision is in progress, the server does not send the deadline: it was accepted, so it is allowed.
  if (!isEnded(task)) return task.image_url !== '';
  return task.revisable_until !== undefined && Date.parse(task.revisable_until) > now;
}

/** Return the seven scores, highest first; empty until the face is classified. */
export function rankedScores(scores: Scores | undefined): { expression: Expression; score: number }[] {
  if (!scores) return [];
  return EXPRESSIONS.map((expression) => ({ expression, score: scores[expression] })).sort((a, b) => b.score - a.score);
}
