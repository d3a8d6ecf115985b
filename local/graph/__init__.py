"""A simulated Microsoft Graph v1.0, calendar part. Numbers S1-S65 refer to the fact sheet that the tests cite."""
