"""One real host and one real browser with its front end for all tests here, and no longer: an open page takes time."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Page, expect, sync_playwright

from tools.browser import find_chromium, what_to_do
from tools.server import Client, prepare_base, running_host

ARGUMENTS = [
    "--no-sandbox",  # containers run as root
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # the front end asks the registry for news
]
SETTINGS = {
    "Comfy.TutorialCompleted": True,  # or the template browser opens by itself
    "Comfy.Minimap.Visible": False,
    "Comfy.Workflow.ShowMissingModelsWarning": False,  # no published checkpoint is here
}
WINDOW = {"width": 1600, "height": 960}
PATIENCE = 120_000  # milliseconds; a machine may be busy
expect.set_options(timeout=PATIENCE)


def start(page: Page, host: Client) -> None:
    """Open the front end and wait until it is there."""
    page.goto(f"http://{host.address}/")
    wait_until_ready(page)


def wait_until_ready(page: Page) -> None:
    page.wait_for_function("window.app?.vueAppReady && window.app.graph", polling=200)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    path = find_chromium()
    if not path:
        pytest.exit(what_to_do(), returncode=1)  # once, not for each test
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def host(tmp_path_factory) -> Iterator[Client]:
    base = tmp_path_factory.mktemp("browser_host")
    prepare_base(base)
    shutil.copy(Path(__file__).parent / "html_loss.py", base / "custom_nodes")
    with running_host(base) as client:
        client.post("/settings", SETTINGS).raise_for_status()
        yield client


@pytest.fixture(scope="package")
def object_info(host) -> dict:
    return host.get("/object_info").json()


@pytest.fixture(scope="package")
def complaints() -> list[str]:
    """What the page has complained of about this pack, so far: exceptions, and errors on the console."""
    return []


@pytest.fixture(scope="package")
def page(browser, host, complaints) -> Page:
    """The front end, started."""
    page = browser.new_page(viewport=WINDOW)
    page.set_default_timeout(PATIENCE)

    def on_console(message) -> None:
        place = message.location.get("url", "")
        if message.type == "error" and "ComfyUI-DSG" in place and host.address in place:
            complaints.append(f"{message.text} ({place})")

    def on_exception(error: Error) -> None:
        complaints.append(str(error))

    start(page, host)
    page.on("console", on_console)
    page.on("pageerror", on_exception)
    return page
