import { defineMessages } from '@/lib/i18n';

export const messages = defineMessages({
  en: {
    sharedTitle: 'An emoji photo for you',
    sharedLead: 'Somebody made it with IGE MOJI: every face got the emoji of its expression.',
    sharedUntil: (when: string) => `This link works until ${when}.`,
    photo: 'The shared emoji photo',
    madeWith: (name: string) => `Made with the template “${name}”`,
    make: 'Make your own',
    makeWith: 'Make one with this template',
    goneTitle: 'This link leads nowhere',
    gone: 'It has expired or was revoked, or it is not complete.',
    aiNotice: 'An AI estimated the expressions. They say nothing of what somebody feels.',
  },
  ko: {
    sharedTitle: '이모지 사진이 도착했어요',
    sharedLead: 'IGE MOJI로 만든 사진이에요. 얼굴마다 표정에 맞는 이모지를 씌웠어요.',
    sharedUntil: (when) => `이 링크는 ${when}까지 열려요.`,
    photo: '공유된 이모지 사진',
    madeWith: (name) => `‘${name}’ 템플릿으로 만들었어요`,
    make: '나도 만들기',
    makeWith: '이 템플릿으로 만들기',
    goneTitle: '열 수 없는 링크예요',
    gone: '기간이 지났거나 취소되었거나, 주소가 잘렸어요.',
    aiNotice: '표정은 AI가 추정한 것이며, 실제 감정을 뜻하지 않아요.',
  },
});
