"""What is counted, in one place: the tests that count assert these, and the documents are held to them.

Storage operations are requests to a table (a group transaction is one) and messages put into a queue; each is "at
most". The host's own receiving and deleting of messages is two more for each message.
"""

STORED_PER_IMPORT = 6.2
STORED_PER_PUSH = 2.6
"""Of each event in a run over many, with the echo of its write."""

STORED_PER_EDIT = 16
"""Of one edit, new event or deletion, with the echo of its write."""

STORED_PER_ASKED_RUN = 26
"""Of an incremental run that finds nothing, asked for by a person: two of them count the calls of who asks."""

STORED_PER_SCHEDULED_RUN = 31
"""Of one that the safety sync starts, from the timer's message to the next entry in the list of due things."""

LINES_IDLE = 140
LINES_PER_EDIT = 10
"""Of the log: in a day of an idle connection, and for each edit."""

MESSAGES_PER_EDIT = 2
EXECUTIONS_PER_EDIT = 4
"""A notice and its job, and the same for the echo of what was written."""

RUNS_A_DAY = 24 * 60 // 15
LISTS_A_DAY = 1
"""Comparisons with Graph's list of subscriptions."""

JOBS_A_DAY = RUNS_A_DAY + 4
"""Messages of an idle connection alone; those of a timer are for fifty connections each."""

EDITS_A_DAY = 20
GRAPH_IDLE = RUNS_A_DAY + LISTS_A_DAY
PAGES_A_WEEK = 7
"""Of the complete reading that each connection has once a week, with a season of 430 events in the calendar."""

RENEWALS_A_MONTH = 6
GRAPH_MEAN = GRAPH_IDLE + PAGES_A_WEEK // 7
GRAPH_EDITED = GRAPH_MEAN + EDITS_A_DAY
VAULT_AT_WORST = RUNS_A_DAY + 1
WEDSYNC_IDLE = RUNS_A_DAY
WEDSYNC_EDITED = WEDSYNC_IDLE + EDITS_A_DAY
STORED_IDLE = RUNS_A_DAY * STORED_PER_SCHEDULED_RUN
STORED_EDITED = STORED_IDLE + EDITS_A_DAY * STORED_PER_EDIT
HOST_IDLE = 2 * JOBS_A_DAY
HOST_EDITED = HOST_IDLE + 2 * EDITS_A_DAY * MESSAGES_PER_EDIT
EXECUTIONS_IDLE = JOBS_A_DAY
EXECUTIONS_EDITED = EXECUTIONS_IDLE + EDITS_A_DAY * EXECUTIONS_PER_EDIT
STORAGE_A_DAY = STORED_EDITED + HOST_EDITED
"""What the arithmetic and the price go by."""
