import Button, { type ButtonOwnProps } from '@mui/material/Button';
import { Link, type LinkProps } from 'react-router';

/** Link that looks like a button. */
export function LinkButton(props: ButtonOwnProps & LinkProps) {
  return <Button component={Link} {...props} />;
}
