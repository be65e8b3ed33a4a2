"""`python -m services.enrollment`."""

from services.enrollment.main import create_app
from shared.plumbing.command_line import new_command_line

if __name__ == "__main__":
    new_command_line("enrollment", create_app)()
