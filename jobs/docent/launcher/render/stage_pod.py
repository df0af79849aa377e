"""Render the pod that runs a unit: `docent stage UNIT` with the variables, keys and network labels that it needs.

A Secret is referenced only if the configuration uses it.
"""

from typing import Any

from docent.config import is_override
from docent.errors import ConfigError
from docent.launcher.render.names import unit_name
from docent.launcher.render.plan import Plan
from docent.launcher.render.pod import DATA, PLAN_FILE, Pod, env_list, secret_env, template
from docent.pipeline import Unit, needs_of

EGRESS = {"llm": "docent/egress-llm", "hub": "docent/egress-hub", "web": "docent/egress-web"}
HUB_TOKEN = "HF_TOKEN"
EGRESS_API = "docent/egress-api"


def stage_template(
    plan: Plan,
    unit: Unit,
    *,
    rehearse: bool = False,
    env: dict[str, str] | None = None,
    **differing: Any,
) -> dict[str, Any]:
    """Return the pod template of a unit.

    Args:
        plan: the plan.
        unit: the unit.
        rehearse: the ranks only connect and add numbers; nothing is trained.
        env: variables in addition to those of every stage.
        differing: other fields of `Pod`, such as `container`.

    Raises:
        LauncherError: (105) the node selectors of pods that share a node contradict each other.
        ConfigError: `kubernetes.env` holds a secret or overrides the configuration.
    """
    cluster = plan.config.kubernetes
    needs = needs_of(plan.config, unit)
    pod = Pod(
        component=unit.name,
        image=unit.stage,
        args=stage_args(plan, unit, rehearse),
        account=unit_name(plan.run, unit.name),
        env=(*env_list(_environment(plan, needs) | (env or {})), *_keys(plan, unit, needs)),
        labels={"docent/unit": unit.name} | {label: "true" for need, label in EGRESS.items() if need in needs},
        **differing,
    )
    return template(plan, pod, cluster.resources_of(unit.stage, unit.name))


def stage_args(plan: Plan, unit: Unit, rehearse: bool = False) -> tuple[str, ...]:
    """Return the arguments for the image's entrypoint."""
    args = ("stage", unit.name, "--config", PLAN_FILE, "--run-dir", f"{DATA}/{plan.run}")
    return (*args, "--rehearse") if rehearse else args


def plain_environment(threads: int) -> dict[str, str]:
    """Return the environment variables that every container of docent gets."""
    return {
        "HOME": "/tmp",
        "PYTHONUNBUFFERED": "1",
        "TOKENIZERS_PARALLELISM": "false",
        **{f"{library}_NUM_THREADS": str(threads) for library in ("OMP", "MKL", "OPENBLAS")},
    }


def _environment(plan: Plan, needs: frozenset[Any]) -> dict[str, str]:
    hub = {"HF_HOME": "/data/cache/hub"} if "hub" in needs else {"HF_HOME": "/tmp/hf", "HF_HUB_OFFLINE": "1"}
    return plain_environment(plan.config.run.threads) | hub | _given(plan)


def _given(plan: Plan) -> dict[str, str]:
    """Return `kubernetes.env`; refuse secrets, which would be readable in the plan, and overrides of the plan."""
    cluster, keys = plan.config.kubernetes, (plan.config.llm.api_key_env, HUB_TOKEN, _push_token(plan))
    for name in cluster.env:
        if name in keys:
            next_step = f"remove it here, and add it to the Secret {cluster.keys_from}"
            raise ConfigError(f"{name} is a secret", "kubernetes.env", next_step)
        if is_override(name):
            what = f"{name} overrides the configuration, but only in some pods"
            raise ConfigError(what, "kubernetes.env", "set the configuration key instead")
    return cluster.env


def _push_token(plan: Plan) -> str:
    """Return the name of the variable that holds the push token."""
    return plan.config.build_dataset.token_env if plan.config.build_dataset else HUB_TOKEN


def _keys(plan: Plan, unit: Unit, needs: frozenset[Any]) -> list[dict[str, Any]]:
    secret = plan.config.kubernetes.keys_from
    keys = []
    if "llm" in needs:
        keys.append(secret_env(plan.config.llm.api_key_env, secret, optional=not plan.config.llm.needs_key))
    if "hub" in needs:
        pushes = unit.stage == "build-dataset"
        keys.append(secret_env(_push_token(plan) if pushes else HUB_TOKEN, secret, optional=not pushes))
    return keys
