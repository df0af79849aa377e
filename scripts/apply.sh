#!/usr/bin/env bash
# Apply manifests/ to a cluster in run order: the platform, then stage after stage, each when the one before is complete.
# Run alone: scripts/apply.sh [FOLDER]     (or: make apply)
# KUBECTL names another kubectl, TIMEOUT_S the seconds that one workload may take. Ends with 1 at the first that failed.
# A stage reads its inputs from the volume: put them there first (docent push).
set -euo pipefail

folder=${1:-manifests}
kubectl=${KUBECTL:-kubectl}
timeout_s=${TIMEOUT_S:-86400}

# `kubectl wait` waits for one condition, and in vain for a workload that ends with the other. So it is asked in turns.
finished() { # WORKLOAD
    local until_s=$((SECONDS + timeout_s))
    while [ "$SECONDS" -lt "$until_s" ]; do
        if $kubectl wait -n "$namespace" "$1" --for=condition=Complete --timeout=5s >/dev/null 2>&1; then
            return 0
        elif $kubectl wait -n "$namespace" "$1" --for=condition=Failed --timeout=0 >/dev/null 2>&1; then
            return 1
        fi
        sleep 1 # where the API server is away, both answer at once
    done
    return 1
}

for file in "$folder"/0*.yaml; do
    $kubectl apply -f "$file"
done
namespace=$($kubectl get -f "$folder/000-namespace.yaml" -o 'jsonpath={.metadata.name}')

for file in "$folder"/[1-9]*.yaml; do
    $kubectl apply -f "$file"
    for workload in $($kubectl get -f "$file" -o name); do
        if ! finished "$workload"; then
            echo "failed, or not finished after $timeout_s s: $workload" >&2
            echo "  next: $kubectl describe -n $namespace $workload" >&2
            echo "        $kubectl logs -n $namespace $workload --all-pods" >&2
            exit 1
        fi
        echo "complete: $workload"
    done
done
