"""Derive the plan of a run: everything that follows from its configuration before anything runs."""

from dataclasses import dataclass
from typing import Any

from docent.config import PipelineConfig, dump_config
from docent.config.kubernetes import Resources
from docent.errors import LauncherError
from docent.launcher.render.names import digest10, plan_name
from docent.pipeline import Unit, units
from docent.spec import plan_hashes


@dataclass(frozen=True)
class Plan:
    """A configuration and everything derived from it before the run.

    Attributes:
        config: the configuration.
        units: all units of the run by name, in order.
        plan_hashes: plan hash of every unit.
        text: pipeline.yaml as the pods read it, with every default filled in.
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
    def of(cls, config: PipelineConfig) -> "Plan":
        """Return the plan of a configuration.

        Raises:
            ConfigError: a stage is configured without a stage that it requires.
        """
        text = dump_config(config)
        digest = digest10(text)
        return cls(config, units(config), plan_hashes(config), text, digest, plan_name(config.run.name, digest))

    @property
    def run(self) -> str:
        """The name of the run."""
        return self.config.run.name

    @property
    def resources(self) -> list[Resources]:
        """The resources that the pods of the run request: units in order, launcher, transfer."""
        pods = [(unit.stage, unit.name) for unit in self.units.values()]
        pods += [("launcher", "launcher"), ("transfer", "transfer")]
        return [self.config.kubernetes.resources_of(stage, name) for stage, name in pods]

    def unit(self, name: str) -> Unit:
        """Return a unit by name.

        Raises:
            LauncherError: (102) there is no unit of that name.
        """
        if name not in self.units:
            raise LauncherError(102, f"no unit {name!r}", self.run, f"one of: {', '.join(self.units)}")
        return self.units[name]

    def body(
        self, api_version: str, kind: str, name: str | None, labels: dict[str, str], **fields: Any
    ) -> dict[str, Any]:
        """Return an object in the run's namespace; `name` is None if it will be derived from the object's digest."""
        metadata: dict[str, Any] = {"namespace": self.config.kubernetes.namespace, "labels": labels}
        metadata |= {} if name is None else {"name": name}
        return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}
