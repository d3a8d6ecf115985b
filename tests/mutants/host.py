"""Lies of the Functions host."""

from tests.mutants.mutant import Mutant

_QUEUES = "tests/local/host/test_queues.py"
_SCHEDULE = "tests/local/host/test_schedule.py"
_WEB = "tests/local/host/test_web.py"

MUTANTS = (
    Mutant(
        name="poison-never",
        lie="A message that fails again and again is never moved to the poison queue.",
        file="local/host/queues.py",
        old="if self._poison is None:",
        new="if self._poison is None or message:",
        test=f"{_QUEUES}::test_h45_a_message_over_the_limit_on_arrival_is_poisoned_without_running",
    ),
    Mutant(
        name="base64-not-needed",
        lie="A message that is not base64 is handed on as it is.",
        file="local/host/queues.py",
        old="except (binascii.Error, ValueError):\n        return None",
        new="except (binascii.Error, ValueError):\n        return content.encode()",
        test=f"{_QUEUES}::test_h47_base64_is_checked_strictly",
    ),
    Mutant(
        name="method-405",
        lie="A method that no route takes is answered with 405.",
        file="local/host/web.py",
        old='return self._home() if path == "" else Response(status_code=404)',
        new='return self._home() if path == "" else Response(status_code=405)',
        test=f"{_WEB}::test_h06_a_method_that_no_route_takes_is_404",
    ),
    Mutant(
        name="day-or-day-of-week",
        lie="A schedule fires when the day of the month or the day of the week matches.",
        file="local/host/schedule.py",
        old="day_or=False",
        new="day_or=True",
        test=f"{_SCHEDULE}::test_h57_day_and_day_of_week_must_both_match",
    ),
    Mutant(
        name="encoded-slash-decoded",
        lie="An encoded slash in a path separates segments.",
        file="local/host/routes.py",
        old='_ENCODED_SLASH = re.compile("(%2f)", re.IGNORECASE)',
        new='_ENCODED_SLASH = re.compile("(%00%00)", re.IGNORECASE)',
        test=f"{_WEB}::test_h18_path_parameters_are_decoded_but_for_an_encoded_slash",
    ),
)
