"""What the office is."""

from dataclasses import dataclass

SMTP_SECURITY = ("auto", "none", "starttls", "tls")


@dataclass(frozen=True)
class Office:
    """The office and its mail server; ``smtp_host`` "" means no mail server is set."""

    name: str
    timezone: str
    language: str
    owner_email: str = ""
    smtp_host: str = ""
    smtp_port: int = 587
    smtp_from: str = ""
    smtp_username: str = ""
    smtp_password: str = ""
    smtp_security: str = "auto"
    set_up_at: str | None = None
    config_version: int = 0
