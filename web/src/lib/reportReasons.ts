import { defineMessages, useMessages } from './i18n';

/** Reasons for reporting a template, in the order of the contract. */
export const REPORT_REASONS = ['offensive', 'copyright', 'privacy', 'spam', 'other'] as const;
export type ReportReason = (typeof REPORT_REASONS)[number];

export function isReportReason(name: string): name is ReportReason {
  return (REPORT_REASONS as readonly string[]).includes(name);
}

const messages = defineMessages({
  en: {
    offensive: 'It is offensive or hurtful',
    copyright: 'It uses somebody’s work without permission',
    privacy: 'It shows a person without their consent',
    spam: 'It is advertising or spam',
    other: 'Something else',
  },
  ko: {
    offensive: '불쾌하거나 상처를 줘요',
    copyright: '다른 사람의 작품을 허락 없이 썼어요',
    privacy: '동의 없이 누군가를 보여 줘요',
    spam: '광고나 스팸이에요',
    other: '기타',
  },
});

/** Return the descriptions of the reasons in the current language. */
export function useReportReasonNames(): Record<ReportReason, string> {
  return useMessages(messages);
}
