"""Order, placement and the separate checker: from an integer graph to a plan of the arena."""

from __future__ import annotations

from edgec.schedule.check import check_plan
from edgec.schedule.plan import Feed, Plan, Step, Window
from edgec.schedule.planner import make_plan
from edgec.schedule.usage import Tenant, live_bytes, peak

__all__ = ["Feed", "Plan", "Step", "Tenant", "Window", "check_plan", "live_bytes", "make_plan", "peak"]
