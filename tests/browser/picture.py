"""Takes the picture of the grid that README.md shows.

python -m tests.browser.picture FOLDER FILE.png, on a copy of a folder that a day was played in.
"""

from __future__ import annotations

import shutil
import sys
import threading
from pathlib import Path

from playwright.sync_api import sync_playwright
from werkzeug.serving import make_server

from functions.dashboard.app import create_app
from functions.dashboard.identity import LOCAL_USER
from local.host.ports import ANY_PORT
from local.host.runtime import open_runtime
from shared.core.pipeline import load_pipeline

WIDTH, HEIGHT = 1200, 560


def main(folder: Path, file: Path) -> None:
    """Write a PNG of the grid, WIDTH by HEIGHT pixels, as Debian's chromium draws it."""
    with open_runtime(folder, port=ANY_PORT) as embedded:
        app = create_app(lambda: embedded.runtime, load_pipeline())
        server = make_server("127.0.0.1", 0, lambda environ, start: app(environ | {LOCAL_USER: "picture"}, start))
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
                page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
                page.goto(f"http://127.0.0.1:{server.server_port}/grid")
                page.screenshot(path=str(file))
                browser.close()
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
