"""`python -m services.enrollment`: serve, migrate, credential, rotate-keys."""

from __future__ import annotations

from services.enrollment.main import create_app
from services.enrollment.work.key_rotation import run_rotation
from shared.plumbing.asking import ask_own
from shared.plumbing.clock import SystemClock
from shared.plumbing.command_line import new_command_line
from shared.plumbing.database import Pool
from shared.plumbing.sealed import Vault
from shared.plumbing.settings import read_settings, unmarked

commands = new_command_line("enrollment", create_app)


@commands.command("rotate-keys")
def rotate_keys() -> None:
    """Bring every person under the first field key while requests go on; may be interrupted."""
    settings, totals = read_settings("enrollment"), [0, 0]

    def note(sealed: int, forgotten: int) -> None:
        totals[0] += sealed
        totals[1] += forgotten
        print(f"\r{totals[0]} persons sealed, {totals[1]} old entries deleted", end="", flush=True)

    async def rotate(owner: Pool) -> None:
        await run_rotation(owner, Vault(unmarked(settings.field_key)), SystemClock(), note)

    ask_own("enrollment", settings, "owner", rotate)
    print("; all persons are under the current key")


if __name__ == "__main__":
    commands()
