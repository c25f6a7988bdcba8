import { useNavigate } from 'react-router';

import { useDeleteEmojiMutation } from '@/api/emojis';
import type { Emoji } from '@/api/schema';
import { useMessages } from '@/app/i18n';
import { notified } from '@/app/notices';
import { useExplain } from '@/app/problemMessages';
import { useAppDispatch } from '@/app/store';
import { ConfirmDialog } from '@/components/ConfirmDialog';

import { templateMessages } from './messages';

interface Props {
  emoji: Emoji;
  open: boolean;
  onClose: () => void;
}

/** Asks once more, deletes a template of one's own, and goes back to the gallery. */
export function DeleteTemplate({ emoji, open, onClose }: Props) {
  const t = useMessages(templateMessages);
  const explain = useExplain();
  const dispatch = useAppDispatch();
  const navigate = useNavigate();
  const [remove, { isLoading }] = useDeleteEmojiMutation();
  const confirmed = async () => {
    const { error } = await remove({ id: emoji.id });
    onClose();
    if (error) {
      dispatch(notified(explain(error), 'error'));
      return;
    }
    dispatch(notified(t.removed(emoji.name)));
    await navigate('/templates', { replace: true });
  };
  return (
    <ConfirmDialog
      open={open}
      title={t.removeTitle(emoji.name)}
      confirm={t.remove}
      destructive
      busy={isLoading}
      onConfirm={() => void confirmed()}
      onClose={onClose}
    >
      {t.removeText}
    </ConfirmDialog>
  );
}
