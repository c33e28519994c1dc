"""What gcloud knows and a command needs: who is signed in, and where a service answers."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence

from shared.core.errors import ConfigError, Fatal, NotFound, PipelineError, StoreUnavailable
from shared.core.redaction import excerpt, protect

MOST_SECONDS = 60.0
_SHOWN = 300
# gcloud advises to sign in again whatever kept it from a token, so the network is looked for first.
_NO_NETWORK = re.compile(
    r"Max retries exceeded|Failed to establish|name resolution|Name or service not known|nodename nor servname"
    r"|Unable to find the server|Network is unreachable|Connection (refused|reset|aborted|timed out)|TransportError",
    re.IGNORECASE,
)
_NOT_SIGNED_IN = re.compile(r"gcloud auth login|active account|reauthenticat", re.IGNORECASE)
_NOT_THERE = re.compile(r"Cannot find service|NOT_FOUND")
_NOT_ALLOWED = re.compile(r"PERMISSION_DENIED|does not have permission|Permission '[\w.]+' denied")


def print_identity_token() -> str:
    """A new identity token of the person who is signed in; the redaction knows it.

    Raises as _run_gcloud.
    """
    token = _run_gcloud("auth", "print-identity-token")
    protect(token)
    return token


def find_account() -> str:
    """The account that is signed in.

    Raises ConfigError where there is none, or no gcloud to ask; else as _run_gcloud.
    """
    try:
        found = _run_gcloud("auth", "list", "--filter=status:ACTIVE", "--format=value(account)")
        if not found:
            raise ConfigError("gcloud has nobody signed in.", next_step="run `gcloud auth login`.")
    except ConfigError as error:
        raise ConfigError(error.message, next_step=f"say who acts with --who, or {error.next_step}") from error
    return found


def find_address(service: str, project: str, region: str) -> str:
    """Where a Cloud Run service answers.

    Raises NotFound where there is no such service, ConfigError to who may not look, and as
    _run_gcloud.
    """
    where = (f"--region={region}", f"--project={project}")
    try:
        found = _run_gcloud("run", "services", "describe", service, *where, "--format=value(status.url)")
    except _GcloudFailed as failed:
        raise _explain(failed, service, project, region) from failed
    if not found:
        raise Fatal(
            f"The service {service} of {project} has no address yet.", next_step="wait until its deployment has ended."
        )
    return found


class _GcloudFailed(Fatal):
    """gcloud ended with an error that only its caller can explain; `output` is what it wrote."""

    def __init__(self, command: str, output: str) -> None:
        super().__init__(f"`{command}` failed: {excerpt(output, _SHOWN)}", next_step="run it yourself to see more.")
        self.output = output


def _explain(failed: _GcloudFailed, service: str, project: str, region: str) -> PipelineError:
    if _NOT_THERE.search(failed.output):
        return NotFound(
            f"The project {project} has no service {service} in {region}.",
            next_step="name where it is with --project, --prefix and --region, or deploy it (docs/deploy.md).",
        )
    if _NOT_ALLOWED.search(failed.output):
        return ConfigError(
            f"You may not look up the service {service} of {project}.",
            next_step="ask for roles/run.viewer there (dashboard_readers of the deployment gives it), or for the "
            "page's address (`terraform output dashboard`), and name it with --address.",
        )
    return failed


def _run_gcloud(*arguments: str) -> str:
    """What gcloud prints.

    Raises ConfigError where it is absent or nobody is signed in, StoreUnavailable without a
    network, _GcloudFailed else.
    """
    program = shutil.which("gcloud")
    if program is None:
        raise ConfigError(
            "There is no gcloud on the PATH.",
            next_step="install it (https://cloud.google.com/sdk/docs/install), then run `gcloud auth login`.",
        )
    command = f"gcloud {' '.join(arguments)}"
    done = _run([program, *arguments], command)
    if done.returncode == 0:
        return done.stdout.strip()
    raise _failure(command, " ".join(done.stderr.split()))


def _run(line: Sequence[str], command: str) -> subprocess.CompletedProcess[str]:
    try:
        # without a standard input it fails where it would ask a question that nobody sees
        return subprocess.run(
            line, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=MOST_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise StoreUnavailable(
            f"`{command}` did not end within {MOST_SECONDS:.0f} s.", next_step="check the network, then try again."
        ) from None


def _failure(command: str, output: str) -> PipelineError:
    if _NO_NETWORK.search(output):
        return StoreUnavailable(
            f"gcloud does not reach Google: {excerpt(output, _SHOWN)}", next_step="check the network, then try again."
        )
    if _NOT_SIGNED_IN.search(output):
        return ConfigError(
            "gcloud has nobody signed in, or the sign-in has run out.", next_step="run `gcloud auth login`."
        )
    return _GcloudFailed(command, output)
