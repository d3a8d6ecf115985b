"""Microsoft Graph and Entra ID: protocol, wire and webhook are pure; oauth, client, calendar, subscriptions do I/O."""
