"""People who log in through the page."""

from typing import Any

from playwright.sync_api import Browser

from tests.support.stack import Stack

PASSWORD = "a-password-for-tests"


def superuser(name: str) -> str:
    """The line of a `manage.py shell` that makes an account that may do everything."""
    return (
        "from django.contrib.auth import get_user_model\n"
        f'get_user_model().objects.create_superuser("{name}", password="{PASSWORD}")\n'
    )


def cookies(browser: Browser, stack: Stack, name: str) -> dict[str, Any]:
    """What a browser keeps of somebody who has logged in."""
    context = browser.new_context(base_url=stack.url)
    page = context.new_page()
    page.goto("/accounts/login/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Overview").wait_for()
    state = dict(context.storage_state())
    context.close()
    return state
