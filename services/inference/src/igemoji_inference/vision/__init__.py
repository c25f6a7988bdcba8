"""From the bytes of a photo to the bytes of the same photo with an emoji on every face."""
