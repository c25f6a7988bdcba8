import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import Card from '@mui/material/Card';
import CardActionArea from '@mui/material/CardActionArea';
import Typography from '@mui/material/Typography';
import { Link } from 'react-router';

import type { TaskResult } from '@/api/schema';
import { useDeleteTaskMutation } from '@/api/tasks';
import { useFormats, useMessages } from '@/app/i18n';
import { AuthedImage } from '@/components/AuthedImage';

import { messages } from './messages';
import { useDeleting } from './useDeleting';

/** A finished photo in the list. */
export function ResultCard({ result }: { result: TaskResult }) {
  const t = useMessages(messages);
  const { date } = useFormats();
  const made = result.created_at ? date(result.created_at) : '';
  const [deleteTask] = useDeleteTaskMutation();
  const { ask, dialog } = useDeleting({
    title: t.deleteResult,
    text: t.deleteResultText,
    done: t.resultDeleted,
    remove: () => deleteTask({ task_id: result.task_id }).unwrap(),
  });
  const name = t.photo(result.faces, made);
  return (
    <Card component="li">
      <CardActionArea component={Link} to={`/results/${result.task_id}`}>
        <AuthedImage
          path={result.image_url}
          alt={name}
          sx={{ width: 1, height: 'auto', aspectRatio: '1', objectFit: 'cover', display: 'block' }}
        />
      </CardActionArea>
      <Box sx={{ p: 1.5, display: 'flex', flexWrap: 'wrap', alignItems: 'center', justifyContent: 'space-between' }}>
        <Box>
          <Typography variant="body2" sx={{ fontWeight: 700 }}>
            {t.faces(result.faces)}
          </Typography>
          <Typography variant="body2" color="textSecondary">
            {made}
          </Typography>
        </Box>
        <Button size="small" color="error" onClick={ask} aria-label={t.deleteNamed(name)} sx={{ px: 1 }}>
          {t.delete}
        </Button>
      </Box>
      {dialog}
    </Card>
  );
}
