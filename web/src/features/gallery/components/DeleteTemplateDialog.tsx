import { useNavigate } from 'react-router';

import { useDeleteEmojiMutation } from '@/lib/api/emojis';
import type { Emoji } from '@/lib/api/schema';
import { useMessages } from '@/lib/i18n';
import { notified } from '@/lib/notices';
import { useExplain } from '@/lib/api/errorMessages';
import { useAppDispatch } from '@/app/store';
import { ConfirmDialog } from '@/components/ConfirmDialog';

import { templateMessages } from '../messages';

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
