"""Nothing; sound is not what this pack guides."""
