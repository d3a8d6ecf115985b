"""The application page: both calendars side by side, connecting, sync status, conflicts. Server-rendered."""
