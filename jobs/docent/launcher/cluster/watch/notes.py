"""What there is to say about a unit in the cluster, in the words of `docent status`. Pure functions over its record."""

from __future__ import annotations

from docent.launcher.cluster.state import UnitState


def in_words(unit: UnitState, ended: bool) -> tuple[str, str]:
    """Phase and note of a unit, for a table.

    Args:
        ended: whether the launch that the record is about has ended, however that was. A unit that it had begun and
            that is neither complete nor failed was then stopped.
    """
    if unit.phase == "done":
        return unit.phase, f"{unit.rejected} rejected: {unit.cause}" if unit.rejected else unit.cause
    if not ended or unit.phase == "failed" or not unit.progress:
        return unit.phase, note(unit)
    far = f"stopped at {unit.progress['done']:g} of {unit.progress['total']:g}"
    return "stopped", f"{far}; {unit.cause}" if unit.cause else far


def note(unit: UnitState) -> str:
    """What there is to say about a unit in a few words."""
    if unit.phase == "done":
        return f"{unit.rows or 0} rows" + (f" in {unit.seconds:.1f} s" if unit.seconds is not None else "")
    if unit.phase == "running" and unit.progress and unit.progress.get("total"):
        words = [f"{unit.progress['done']:g} of {unit.progress['total']:g}"]
        if unit.progress.get("eta_s") is not None:
            words.append(f"{unit.progress['eta_s']:.0f} s to go")
        return ", ".join([*words, unit.cause] if unit.cause else words)
    return unit.cause
