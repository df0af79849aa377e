"""The plan: one configuration with all that follows from it before anything runs.

Reads the configuration (and whether the base model is a folder here); writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from docent.config import PipelineConfig, dump_config
from docent.config.kubernetes import Resources
from docent.errors import LauncherError
from docent.launcher.render.names import digest10, plan_name
from docent.pipeline import Unit, units
from docent.spec import plan_hashes


@dataclass(frozen=True)
class Plan:
    """A configuration and what it comes to.

    Attributes:
        config: the configuration.
        units: all units of the run by name, in order.
        plan_hashes: plan hash of every unit.
        text: pipeline.yaml as the pods read it, every default filled in.
        digest10: first ten hex digits of the sha256 of `text`.
        config_map: name of the immutable ConfigMap that holds `text`.
    """

    config: PipelineConfig
    units: dict[str, Unit]
    plan_hashes: dict[str, str]
    text: str
    digest10: str
    config_map: str

    @classmethod
    def of(cls, config: PipelineConfig) -> Plan:
        """The plan of a configuration.

        Raises:
            ConfigError: a stage is configured without one that it requires.
        """
        text = dump_config(config)
        digest = digest10(text)
        return cls(config, units(config), plan_hashes(config), text, digest, plan_name(config.run.name, digest))

    @property
    def run(self) -> str:
        """Name of the run."""
        return self.config.run.name

    @property
    def run_dir(self) -> str:
        """Folder of the run inside every pod."""
        return f"/data/{self.run}"

    @property
    def resources(self) -> list[Resources]:
        """What the pods of the run ask for: those of the units in order, launcher, transfer."""
        asked = self.config.kubernetes.resources_of
        found = [asked(unit.stage, unit.name) for unit in self.units.values()]
        return [*found, asked("launcher", "launcher"), asked("transfer", "transfer")]

    def unit(self, name: str) -> Unit:
        """A unit by name.

        Raises:
            LauncherError: (102) there is none of that name.
        """
        if name not in self.units:
            raise LauncherError(102, f"no unit {name!r}", self.run, f"one of: {', '.join(self.units)}")
        return self.units[name]
