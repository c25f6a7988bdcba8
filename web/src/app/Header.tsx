import AppBar from '@mui/material/AppBar';
import Toolbar from '@mui/material/Toolbar';
import Typography from '@mui/material/Typography';
import { Link } from 'react-router';

/** The upper edge: the name, and where one can go. */
export function Header() {
  return (
    <AppBar position="sticky" color="default" elevation={0}>
      <Toolbar>
        <Typography component={Link} to="/" variant="h3">
          이게 모지?
        </Typography>
      </Toolbar>
    </AppBar>
  );
}
