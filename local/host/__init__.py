"""A host for Python v2 function apps on one machine: real HTTP, queues and timers around Microsoft's worker library.

It behaves as the Azure Functions host v4 does where that can be told from its published source (read at the commits of
October 2024, host 4.1037, WebJobs SDK and extensions of the same month, Core Tools 4.14). It knows HTTP, queue and
timer triggers, HTTP and queue outputs; a function with any other binding is reported in error and the rest runs.
"""
