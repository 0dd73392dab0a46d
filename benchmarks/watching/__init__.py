"""What it costs a busy hall that people look at its pages and programs hear all its events."""
