"""The parts of `service` that say when work is done: maintenance windows, scheduled work."""

from typing import TYPE_CHECKING

from pydantic import Field, create_model

from ._fields import Form, Hours, HoursOrZero, Name, Switch
from ._law_form import Repair


if TYPE_CHECKING:

    class WindowsForm(Form):
        """As below; its other key is `for`."""

        every: float
        first: float
else:  # `for` is a word of Python, so that this form cannot be written as a class
    WindowsForm = create_model(
        "WindowsForm",
        __base__=Form,
        __doc__="When jobs of rules with `window: true` may begin.",
        every=(Hours, Field(description="From the beginning of one window to that of the next.")),
        first=(HoursOrZero, Field(default=0.0, description="When one of them begins.")),
        **{"for": (Hours, Field(description="How long a window is open."))},
    )


class ScheduledForm(Form):
    """Planned work on every copy of a unit, over and over; the copies take turns."""

    unit: Name = Field(description="The unit that is out of service meanwhile.")
    every: Hours = Field(description="How often each copy of the unit has its turn.")
    time: Repair = Field(description="How long one copy is out, fixed or a law.")
    technician: Switch = Field(default=False, description="Whether it needs a technician.")
    window: Switch = Field(default=False, description="Begin only in a maintenance window.")
